// A lock in one word of shared memory, that its holder's death releases: robust futexes, get_robust_list(2).
//
// The word is 0, or the id of the thread that holds it, with FUTEX_WAITERS where somebody may sleep on it and
// FUTEX_OWNER_DIED where its last holder died. So has the kernel it for robust mutexes.
//
// The C library registers a list of held locks for each thread, whose nodes lie in the shared memory itself,
// where a hostile process could bend them. Here instead a waiting thread of our own stands for a mutex as
// long as it is open. Its list is empty and private, and says that it is always about to take or to give this
// one word ("list_op_pending"). When the thread ends, with its process or alone, the kernel looks whether the
// word has its id, and only then marks it and wakes somebody; where nobody holds it, it wakes somebody too,
// since this thread may have died between giving and waking. So any thread of the process may take and give
// in that thread's name, with nothing to do before or after, and be killed at any instruction.
#include "memory.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef _Atomic uint32_t word;

typedef struct {
  ipc_mapping *mapping;
  word *word;
  uint32_t tid; // 0 before the first wait
  // For one word alone the offset from a node to its word may be any number.
  struct robust_list node;
  struct robust_list_head list;
} memory_lock;

static int futex(word *word, int operation, uint32_t value) {
  return (int)ipc_result(syscall(SYS_futex, word, operation, value, NULL, NULL, 0));
}

// Taken where nobody holds it: 0, or 1 where the last holder died; else -EAGAIN.
static int take(memory_lock *self, uint32_t seen) {
  while ((seen & FUTEX_TID_MASK) == 0)
    if (atomic_compare_exchange_weak(self->word, &seen, self->tid | (seen & FUTEX_WAITERS)))
      return seen & FUTEX_OWNER_DIED ? 1 : 0;
  return -EAGAIN;
}

// Returns true when it is given. FUTEX_WAITERS stays while somebody may sleep: who comes now might take it
// without knowing of them.
static bool give(memory_lock *self, uint32_t died) {
  uint32_t seen = self->tid;
  if (died == 0 && atomic_compare_exchange_strong(self->word, &seen, 0)) return true;
  seen = atomic_load(self->word);
  do {
    if ((seen & FUTEX_TID_MASK) != self->tid) return false;
  } while (!atomic_compare_exchange_weak(self->word, &seen, (seen & FUTEX_WAITERS) | died));
  if ((seen & FUTEX_WAITERS) == 0 || futex(self->word, FUTEX_WAKE, 1) != 0) return true;
  seen = FUTEX_WAITERS | died; // nobody slept, and while nobody holds it nobody goes to sleep
  atomic_compare_exchange_strong(self->word, &seen, died);
  return true;
}

// ---- the thread -------------------------------------------------------------------------------

static int64_t stand_for(memory_lock *self) {
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGBUS); // this thread looks at the word, see memory.c
  int error = pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
  if (error != 0) return -error;
  self->list.list.next = &self->list.list;
  self->list.futex_offset = (long)((uintptr_t)self->word - (uintptr_t)&self->node);
  self->list.list_op_pending = &self->node;
  if (syscall(SYS_set_robust_list, &self->list, sizeof self->list) < 0) return -errno;
  self->tid = (uint32_t)syscall(SYS_gettid);
  return 0;
}

static int64_t waiter_wait(void *arg, const atomic_bool *cancelled) {
  memory_lock *self = arg;
  if (self->tid == 0) return stand_for(self);
  for (;;) {
    // Before looking whether to go: who was woken must take it, or another sleeps on.
    uint32_t seen = atomic_load(self->word);
    int taken = take(self, seen);
    if (taken != -EAGAIN) return taken;
    if (atomic_load(cancelled)) return -ECANCELED;
    seen = atomic_load(self->word);
    if ((seen & FUTEX_TID_MASK) == 0) continue;
    uint32_t wanted = seen | FUTEX_WAITERS;
    if (seen != wanted && !atomic_compare_exchange_strong(self->word, &seen, wanted)) continue;
    int result = futex(self->word, FUTEX_WAIT, wanted);
    if (result < 0 && result != -EINTR && result != -EAGAIN) return result;
  }
}

static void waiter_free(void *arg) {
  memory_lock *self = arg;
  ipc_memory_unhold(self->mapping);
  free(self);
}

// memoryLockOpen(mapping, offset): a waiter (see native.h) on the lock in that word of the mapping, which stays
// mapped meanwhile. Its first wait is over at once, with 0, and is to be taken before anything else; every other one
// takes the lock: as memoryLockTake.
static napi_value memory_lock_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  if (!ipc_args(env, info, 2, argv)) return NULL;
  memory_lock *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->word = (word *)ipc_memory_word(env, argv[0], argv[1]);
  self->mapping = self->word == NULL ? NULL : ipc_memory_hold(env, argv[0]);
  if (self->mapping == NULL) {
    free(self);
    return ipc_int(env, -EINVAL);
  }
  return ipc_int(env, ipc_waiter_open(env, waiter_wait, self, waiter_free));
}

// memoryLockTake(waiter): 0, or 1 where the last holder died, also for who took it since and gave it back
// as it was; -EAGAIN where it is held; -EBUSY while a wait runs.
static napi_value memory_lock_take(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  memory_lock *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL || self->tid == 0) return ipc_int(env, -EBUSY);
  return ipc_int(env, take(self, atomic_load(self->word)));
}

// memoryLockWanted(waiter): 1 where somebody may sleep on it, else 0.
static napi_value memory_lock_wanted(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  memory_lock *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBUSY);
  return ipc_int(env, atomic_load(self->word) & FUTEX_WAITERS ? 1 : 0);
}

// memoryLockGive(waiter, died): 0; -EPERM where the word says that another holds it. `died` of 1 leaves the mark
// that the last holder died.
static napi_value memory_lock_give(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int died;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &died)) return NULL;
  memory_lock *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBUSY);
  return ipc_int(env, give(self, died ? FUTEX_OWNER_DIED : 0) ? 0 : -EPERM);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "memoryLockOpen", memory_lock_open);
  ipc_export(env, exports, "memoryLockTake", memory_lock_take);
  ipc_export(env, exports, "memoryLockWanted", memory_lock_wanted);
  ipc_export(env, exports, "memoryLockGive", memory_lock_give);
}
IPC_MODULE(memory_lock, init)
