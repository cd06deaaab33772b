// Waiting on a word of a mapping. futex(2), without FUTEX_PRIVATE_FLAG: the waker is another process.
#include "memory.h"
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// How late a waiting call may notice that the peer was killed: the kernel has no wait for a futex and a
// descriptor together.
#define LOOK_MS 50

// FUTEX_WAIT_BITSET, because its deadline is absolute and on CLOCK_MONOTONIC.
static int futex_wait(uint32_t *word, uint32_t expected, const struct timespec *deadline) {
  return (int)syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY) == 0
             ? 0
             : -errno;
}

static bool earlier(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool readable(int fd) {
  struct pollfd polled = {fd, POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

// futexWait(mapping, offset, expected, timeoutMs, peer): blocks this thread. 0 when woken (perhaps for
// nothing), -EAGAIN where the word is not `expected`, -ETIMEDOUT, -EPIPE when the descriptor `peer` (or
// -1) became readable. A signal does not end the wait.
static napi_value futex_wait_(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int expected, peer;
  double timeout;
  if (!ipc_args(env, info, 5, argv) || !ipc_get_int(env, argv[2], &expected) ||
      !ipc_get_double(env, argv[3], &timeout) || !ipc_get_int(env, argv[4], &peer))
    return NULL;
  uint32_t *word = ipc_memory_word(env, argv[0], argv[1]);
  if (word == NULL) return ipc_int(env, -EINVAL);
  struct timespec deadline, look;
  bool bounded = ipc_deadline(timeout, &deadline);
  for (;;) {
    const struct timespec *until = bounded ? &deadline : NULL;
    if (peer >= 0) {
      ipc_deadline(LOOK_MS, &look);
      if (!bounded || earlier(&look, &deadline)) until = &look;
    }
    int result = futex_wait(word, (uint32_t)expected, until);
    if (result == -EINTR) continue;
    if (result != -ETIMEDOUT) return ipc_int(env, result);
    if (peer >= 0 && readable(peer)) return ipc_int(env, -EPIPE);
    if (until != &look) return ipc_int(env, -ETIMEDOUT);
  }
}

// futexWake(mapping, offset, count): how many were woken.
static napi_value futex_wake(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int count;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[2], &count)) return NULL;
  uint32_t *word = ipc_memory_word(env, argv[0], argv[1]);
  if (word == NULL) return ipc_int(env, -EINVAL);
  return ipc_int(env, ipc_result(syscall(SYS_futex, word, FUTEX_WAKE, count)));
}

// ---- for the event loop -----------------------------------------------------------------------

typedef struct {
  ipc_mapping *mapping;
  uint32_t *word;
  uint32_t expected;
} aimed;

static int64_t waiter_wait(void *arg, const atomic_bool *cancelled) {
  aimed *self = arg;
  for (;;) {
    if (atomic_load(cancelled)) return -ECANCELED;
    int result = futex_wait(self->word, self->expected, NULL);
    if (result != -EINTR) return result;
  }
}

static void waiter_free(void *arg) {
  aimed *self = arg;
  ipc_memory_unhold(self->mapping);
  free(self);
}

// futexWaiterOpen(mapping): a waiter (see native.h) on words of the mapping, which stays mapped meanwhile.
static napi_value futex_waiter_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  aimed *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->mapping = ipc_memory_hold(env, argv[0]);
  if (self->mapping == NULL) {
    free(self);
    return ipc_int(env, -EBADF);
  }
  return ipc_int(env, ipc_waiter_open(env, waiter_wait, self, waiter_free));
}

// futexWaiterAim(waiter, offset, expected): what the next wait is for. -EBUSY while one runs.
static napi_value futex_waiter_aim(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int64_t offset;
  int expected;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int64(env, argv[1], &offset) || !ipc_get_int(env, argv[2], &expected))
    return NULL;
  aimed *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBUSY);
  uint32_t *word = ipc_memory_word_at(self->mapping, offset);
  if (word == NULL) return ipc_int(env, -EINVAL);
  self->word = word;
  self->expected = (uint32_t)expected;
  return ipc_int(env, 0);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "futexWait", futex_wait_);
  ipc_export(env, exports, "futexWake", futex_wake);
  ipc_export(env, exports, "futexWaiterOpen", futex_waiter_open);
  ipc_export(env, exports, "futexWaiterAim", futex_waiter_aim);
}
IPC_MODULE(futex, init)
