// Waiting on a word of a mapping. futex(2), without FUTEX_PRIVATE_FLAG: the waker is another process.
#include "memory.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// FUTEX_WAIT_BITSET, because its deadline is absolute and on CLOCK_MONOTONIC.
static int futex_wait(uint32_t *word, uint32_t expected, const struct timespec *deadline) {
  return (int)syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY) == 0
             ? 0
             : -errno;
}

// futexWait(mapping, offset, expected, timeoutMs): blocks this thread. 0 when woken (perhaps for nothing),
// -EAGAIN where the word is not `expected`, -ETIMEDOUT. A signal does not end the wait.
static napi_value futex_wait_(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int expected;
  double timeout;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[2], &expected) || !ipc_get_double(env, argv[3], &timeout))
    return NULL;
  uint32_t *word = ipc_memory_word(env, argv[0], argv[1]);
  if (word == NULL) return ipc_int(env, -EINVAL);
  struct timespec deadline;
  bool bounded = ipc_deadline(timeout, &deadline);
  int result;
  do result = futex_wait(word, (uint32_t)expected, bounded ? &deadline : NULL);
  while (result == -EINTR);
  return ipc_int(env, result);
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
