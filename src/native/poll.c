// One epoll descriptor and one uv_poll_t an environment: however many channels there are, libuv
// watches one descriptor, and changing what a channel waits for is one epoll_ctl(2) at most.
//
// This is the one file that uses libuv's own interface; it refuses any libuv but 1.x, whose
// structures it sizes by uv_handle_size.
#include "native.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#define MAX_EVENTS 64

typedef struct {
  napi_env env;
  uv_poll_t *handle;
  int epoll_fd;
  napi_ref callback, events;
  int32_t *slots; // MAX_EVENTS pairs of (fd, events), memory of `events`
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
} poller;

static const char tag;

static void poller_ready(uv_poll_t *handle, int status, int events) {
  (void)events;
  poller *self = handle->data;
  if (status < 0) return;
  struct epoll_event ready[MAX_EVENTS];
  int count;
  do count = epoll_wait(self->epoll_fd, ready, MAX_EVENTS, 0);
  while (count < 0 && errno == EINTR);
  if (count <= 0) return;
  for (int i = 0; i < count; i++) {
    self->slots[2 * i] = ready[i].data.fd;
    self->slots[2 * i + 1] = (int32_t)ready[i].events;
  }
  napi_handle_scope scope;
  if (napi_open_handle_scope(self->env, &scope) != napi_ok) return;
  napi_value callback, receiver, argument, ignored;
  if (napi_get_reference_value(self->env, self->callback, &callback) == napi_ok &&
      napi_get_global(self->env, &receiver) == napi_ok &&
      napi_create_int32(self->env, count, &argument) == napi_ok &&
      napi_make_callback(self->env, self->context, receiver, callback, 1, &argument, &ignored) ==
          napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(self->env, &error) == napi_ok) napi_fatal_exception(self->env, error);
  }
  napi_close_handle_scope(self->env, scope);
}

static void poller_closed(uv_handle_t *handle) {
  poller *self = handle->data;
  close(self->epoll_fd);
  napi_remove_async_cleanup_hook(self->hook);
  free(self->handle);
  free(self);
}

static void poller_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  poller *self = data;
  // Both references go with the environment; the context does not.
  napi_async_destroy(self->env, self->context);
  uv_poll_stop(self->handle);
  uv_close((uv_handle_t *)self->handle, poller_closed);
}

// A poller lives as long as its environment: the cleanup hook above frees it, in the loop.
static void poller_released(void *object) { (void)object; }

// pollOpen(events: Int32Array(2 * 64), callback(count)): the descriptor's handle number, or -errno.
static napi_value poll_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  uint8_t *slots;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_bytes(env, argv[0], &slots, &length)) return NULL;
  if (length < 2 * MAX_EVENTS * sizeof(int32_t) || (uintptr_t)slots % _Alignof(int32_t) != 0) return ipc_int(env, -EINVAL);
  if (uv_version() >> 16 != 1) return ipc_int(env, -ENOTSUP);
  uv_loop_t *loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return ipc_int(env, -ENOTSUP);

  poller *self = calloc(1, sizeof *self);
  uv_poll_t *handle = calloc(1, uv_handle_size(UV_POLL));
  if (self == NULL || handle == NULL) {
    free(self);
    free(handle);
    return ipc_int(env, -ENOMEM);
  }
  self->env = env;
  self->slots = (int32_t *)slots;
  self->handle = handle;
  int error = 0;
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (self->epoll_fd < 0) {
    error = -errno;
    free(handle);
    free(self);
    return ipc_int(env, error);
  }
  error = uv_poll_init(loop, handle, self->epoll_fd);
  if (error != 0) {
    close(self->epoll_fd);
    free(handle);
    free(self);
    return ipc_int(env, error);
  }
  handle->data = self;
  napi_value name;
  if (napi_create_string_utf8(env, "ipc-playground", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &self->context) != napi_ok ||
      napi_create_reference(env, argv[0], 1, &self->events) != napi_ok ||
      napi_create_reference(env, argv[1], 1, &self->callback) != napi_ok ||
      napi_add_async_cleanup_hook(env, poller_end, self, &self->hook) != napi_ok) {
    napi_throw_error(env, NULL, "cannot attach to the event loop");
    return NULL; // out of memory while starting: the environment is ending anyway
  }
  uv_unref((uv_handle_t *)handle); // open channels keep the process alive, see core/keep-alive.ts
  error = uv_poll_start(handle, UV_READABLE, poller_ready);
  if (error != 0) return ipc_int(env, error);
  return ipc_int(env, ipc_handle_add(env, &tag, self, poller_released));
}

static poller *poller_of(napi_env env, napi_value value) { return ipc_handle_get(env, value, &tag); }

// pollSet(poller, fd, had, events): what to wait for on fd; `had` is what was set before (0: nothing).
static napi_value poll_set(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, had, events;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[1], &fd) || !ipc_get_int(env, argv[2], &had) ||
      !ipc_get_int(env, argv[3], &events))
    return NULL;
  poller *self = poller_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  struct epoll_event event = {.events = (uint32_t)events, .data = {.fd = fd}};
  int operation = events == 0 ? EPOLL_CTL_DEL : had == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return ipc_int(env, ipc_result(epoll_ctl(self->epoll_fd, operation, fd, &event)));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "pollOpen", poll_open);
  ipc_export(env, exports, "pollSet", poll_set);
}
IPC_MODULE(poll, init)
