// Descriptors in the event loop: a uv_poll_t each, so that a wake-up costs no system call but libuv's own.
//
// This is the one file that uses libuv's own interface; it refuses any libuv but 1.x, whose
// structures it sizes by uv_handle_size.
//
// Life of a watch, all on the environment's own thread:
//   watchOpen    starts with no interest
//   watchSet     level-triggered from here on; 0 stops
//   watch_ready  calls the poller's callback with the descriptor and what came
//   watchClose   at once for the kernel and for JavaScript, also inside of the callback;
//   watch_closed frees, when the loop has let go of it
#include "native.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <uv.h>

// What the watches of an environment share. It lives until the last of them is freed.
typedef struct {
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  size_t watches;
  bool ending;
} poller;

typedef struct {
  poller *owner;
  int fd;
  uv_poll_t handle; // the last: its size is libuv's to say
} watch;

static const char poller_tag, watch_tag;

static int32_t epoll_events(int events) {
  return (events & UV_READABLE ? EPOLLIN : 0) | (events & UV_WRITABLE ? EPOLLOUT : 0) |
         (events & UV_DISCONNECT ? EPOLLRDHUP : 0) | (events & UV_PRIORITIZED ? EPOLLPRI : 0);
}

static int loop_events(int events) {
  return (events & EPOLLIN ? UV_READABLE : 0) | (events & EPOLLOUT ? UV_WRITABLE : 0) |
         (events & EPOLLRDHUP ? UV_DISCONNECT : 0) | (events & EPOLLPRI ? UV_PRIORITIZED : 0);
}

// EPOLLHUP comes as what is waited for. After EPOLLERR libuv has stopped the watch, and EPOLLERR alone is told.
static void watch_ready(uv_poll_t *handle, int status, int events) {
  watch *self = handle->data;
  poller *owner = self->owner;
  napi_env env = owner->env;
  int32_t came = status < 0 ? EPOLLERR : epoll_events(events);
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback, argv[2];
  if (napi_get_reference_value(env, owner->callback, &callback) == napi_ok &&
      napi_create_int32(env, self->fd, &argv[0]) == napi_ok && napi_create_int32(env, came, &argv[1]) == napi_ok &&
      napi_make_callback(env, owner->context, callback, callback, 2, argv, NULL) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void poller_free(poller *self) {
  napi_remove_async_cleanup_hook(self->hook);
  free(self);
}

static void watch_closed(uv_handle_t *handle) {
  watch *self = handle->data;
  poller *owner = self->owner;
  free(self);
  if (--owner->watches == 0 && owner->ending) poller_free(owner);
}

static void watch_release(void *object) {
  watch *self = object;
  uv_close((uv_handle_t *)&self->handle, watch_closed);
}

// The environment ends: its handles are released next, and the loop runs until all are closed.
static void poller_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  poller *self = data;
  // The reference goes with the environment; the context does not.
  napi_async_destroy(self->env, self->context);
  self->ending = true;
  if (self->watches == 0) poller_free(self);
}

// A poller lives as long as its environment.
static void poller_released(void *object) { (void)object; }

// pollOpen(callback(fd, events)): what the watches of this environment call; or -errno.
static napi_value poll_open(napi_env env, napi_callback_info info) {
  napi_value argv[1], name;
  if (!ipc_args(env, info, 1, argv)) return NULL;
  if (uv_version() >> 16 != 1) return ipc_int(env, -ENOTSUP);
  poller *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->env = env;
  if (napi_create_string_utf8(env, "ipc-playground", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &self->context) != napi_ok ||
      napi_create_reference(env, argv[0], 1, &self->callback) != napi_ok ||
      napi_add_async_cleanup_hook(env, poller_end, self, &self->hook) != napi_ok) {
    napi_throw_error(env, NULL, "cannot attach to the event loop");
    return NULL; // out of memory while starting: the environment is ending anyway
  }
  return ipc_int(env, ipc_handle_add(env, &poller_tag, self, poller_released));
}

// watchOpen(poller, fd): a watch of a descriptor that stays the caller's, or -errno: EPERM of one that is always
// ready. Its mode is left as it is.
static napi_value watch_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uv_loop_t *loop;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &fd)) return NULL;
  poller *owner = ipc_handle_get(env, argv[0], &poller_tag);
  if (owner == NULL) return ipc_int(env, -EBADF);
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return ipc_int(env, -ENOTSUP);
  watch *self = calloc(1, offsetof(watch, handle) + uv_handle_size(UV_POLL));
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->owner = owner;
  self->fd = fd;
  int flags = fcntl(fd, F_GETFL);
  int error = flags < 0 ? -errno : uv_poll_init(loop, &self->handle, fd);
  if (error != 0) {
    free(self);
    return ipc_int(env, error);
  }
  self->handle.data = self;
  owner->watches++;
  if (!(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags); // libuv has changed what blocking calls rely on
  uv_unref((uv_handle_t *)&self->handle); // open channels keep the process alive, see core/keep-alive.ts
  return ipc_int(env, ipc_handle_add(env, &watch_tag, self, watch_release));
}

// watchSet(watch, events): what to wait for from now on; 0: nothing.
static napi_value watch_set(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int events;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &events)) return NULL;
  watch *self = ipc_handle_get(env, argv[0], &watch_tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  return ipc_int(env, events == 0 ? uv_poll_stop(&self->handle) : uv_poll_start(&self->handle, loop_events(events), watch_ready));
}

// watchClose(watch): before the descriptor is closed, which the kernel may keep watching else.
static napi_value watch_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &watch_tag));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "pollOpen", poll_open);
  ipc_export(env, exports, "watchOpen", watch_open);
  ipc_export(env, exports, "watchSet", watch_set);
  ipc_export(env, exports, "watchClose", watch_close);
}
IPC_MODULE(poll, init)
