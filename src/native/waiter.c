// Waiting threads, for kernel objects that poll(2) cannot watch. See native.h for the life of a wait.
#include "native.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum state { IDLE, RUNNING, DONE, QUIT };

struct ipc_waiter {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum state state;
  atomic_bool cancelled;
  int64_t result;
  int event_fd;
  ipc_wait_fn wait;
  void *arg;
  ipc_release_fn free_arg;
};

static const char tag;

// A standard signal that nobody sends: unlike a real-time one it needs no room under RLIMIT_SIGPENDING.
#define KICK SIGSTKFLT

static void kicked(int signal) { (void)signal; }

static void *waiter_main(void *data) {
  ipc_waiter *self = data;
  prctl(PR_SET_NAME, "ipc-waiter");
  pthread_mutex_lock(&self->lock);
  while (self->state != QUIT) {
    if (self->state != RUNNING) {
      pthread_cond_wait(&self->changed, &self->lock);
      continue;
    }
    pthread_mutex_unlock(&self->lock);
    int64_t result = self->wait(self->arg, &self->cancelled);
    pthread_mutex_lock(&self->lock);
    self->result = result;
    self->state = DONE;
    uint64_t one = 1;
    // Cannot fail: the counter is at most 1, the descriptor is ours.
    if (write(self->event_fd, &one, sizeof one) < 0) abort();
    pthread_cond_broadcast(&self->changed);
  }
  pthread_mutex_unlock(&self->lock);
  return NULL;
}

// Kicks the thread until it has left `wait`. A signal that arrives just before the blocking call is
// lost, so one is never enough.
static void waiter_cancel(ipc_waiter *self) {
  pthread_mutex_lock(&self->lock);
  atomic_store(&self->cancelled, true);
  while (self->state == RUNNING) {
    pthread_kill(self->thread, KICK);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 1000000;
    if (until.tv_nsec >= 1000000000) {
      until.tv_nsec -= 1000000000;
      until.tv_sec++;
    }
    pthread_cond_timedwait(&self->changed, &self->lock, &until);
  }
  pthread_mutex_unlock(&self->lock);
}

static void waiter_free(void *object) {
  ipc_waiter *self = object;
  waiter_cancel(self);
  pthread_mutex_lock(&self->lock);
  self->state = QUIT;
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
  pthread_join(self->thread, NULL);
  close(self->event_fd);
  pthread_cond_destroy(&self->changed);
  pthread_mutex_destroy(&self->lock);
  self->free_arg(self->arg);
  free(self);
}

int ipc_waiter_open(napi_env env, ipc_wait_fn wait, void *arg, ipc_release_fn free_arg) {
  struct sigaction action = {.sa_handler = kicked}; // no SA_RESTART: blocking calls must end
  sigemptyset(&action.sa_mask);
  ipc_waiter *self = calloc(1, sizeof *self);
  int error = 0;
  if (self == NULL) {
    free_arg(arg);
    return -ENOMEM;
  }
  self->wait = wait;
  self->arg = arg;
  self->free_arg = free_arg;
  if (sigaction(KICK, &action, NULL) < 0 ||
      (self->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    error = errno;
    free_arg(arg);
    free(self);
    return -error;
  }
  pthread_mutex_init(&self->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&self->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  // The thread takes no signal but the kick: all others belong to Node.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, KICK);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&self->thread, NULL, waiter_main, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) {
    close(self->event_fd);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free_arg(arg);
    free(self);
    return -error;
  }
  return ipc_handle_add(env, &tag, self, waiter_free);
}

static enum state waiter_state(ipc_waiter *self) {
  pthread_mutex_lock(&self->lock);
  enum state state = self->state;
  pthread_mutex_unlock(&self->lock);
  return state;
}

void *ipc_waiter_arg(napi_env env, napi_value handle) {
  ipc_waiter *self = ipc_handle_get(env, handle, &tag);
  return self == NULL || waiter_state(self) == RUNNING ? NULL : self->arg;
}

// waiterFd(waiter): the descriptor that is readable when a wait has ended.
static napi_value waiter_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_waiter *self = ipc_handle_get(env, argv[0], &tag);
  return ipc_int(env, self == NULL ? -EBADF : self->event_fd);
}

// waiterStart(waiter): 0, or -EBUSY while a wait runs or its result was not taken.
static napi_value waiter_start(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_waiter *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  int result = -EBUSY;
  pthread_mutex_lock(&self->lock);
  if (self->state == IDLE) {
    atomic_store(&self->cancelled, false);
    self->state = RUNNING;
    result = 0;
    pthread_cond_broadcast(&self->changed);
  }
  pthread_mutex_unlock(&self->lock);
  return ipc_int(env, result);
}

// waiterTake(waiter): what the wait answered; -EINPROGRESS while it runs, -EAGAIN where none was started.
static napi_value waiter_take(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_waiter *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  int64_t result = -EAGAIN;
  pthread_mutex_lock(&self->lock);
  if (self->state == RUNNING) result = -EINPROGRESS;
  if (self->state == DONE) {
    uint64_t count;
    if (read(self->event_fd, &count, sizeof count) < 0) count = 0;
    self->state = IDLE;
    result = self->result;
  }
  pthread_mutex_unlock(&self->lock);
  return ipc_int(env, result);
}

// waiterCancel(waiter): after this no wait runs; what it obtained at the last moment is there to take.
static napi_value waiter_cancel_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_waiter *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  waiter_cancel(self);
  return ipc_int(env, 0);
}

static napi_value waiter_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "waiterFd", waiter_fd);
  ipc_export(env, exports, "waiterStart", waiter_start);
  ipc_export(env, exports, "waiterTake", waiter_take);
  ipc_export(env, exports, "waiterCancel", waiter_cancel_);
  ipc_export(env, exports, "waiterClose", waiter_close);
}
IPC_MODULE(waiter, init)
