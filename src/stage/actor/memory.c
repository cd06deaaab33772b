/* Shared memory of POSIX and of System V, mappings, words in them, futexes and robust mutexes. */
#include "actor.h"
#include "deadline.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

static long do_shm_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return shm_open(arg_text(args, 0), (int)arg_number(args, 1), (mode_t)arg_number(args, 2));
}

static long do_shm_unlink(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return shm_unlink(arg_text(args, 0));
}

/* mmap(fd, length, protection, flags) answers an address. */
static long do_mmap(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  void *at = mmap(NULL, (size_t)arg_number(args, 1), (int)arg_number(args, 2), (int)arg_number(args, 3), (int)arg_number(args, 0), 0);
  return at == MAP_FAILED ? -1 : (long)at;
}

static long do_munmap(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return munmap(arg_pointer(args, 0), (size_t)arg_number(args, 1));
}

/* shmget(key, size, flags) */
static long do_shmget(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return shmget((key_t)arg_number(args, 0), (size_t)arg_number(args, 1), (int)arg_number(args, 2));
}

/* shmat(id, flags[, address]) answers an address. */
static long do_shmat(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  void *at = shmat((int)arg_number(args, 0), arg_count(args) > 2 ? arg_pointer(args, 2) : NULL, (int)arg_number(args, 1));
  return at == (void *)-1 ? -1 : (long)at;
}

static long do_shmdt(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return shmdt(arg_pointer(args, 0));
}

/* shmctl(id, command): IPC_RMID, or IPC_STAT, which tells. */
static long do_shmctl(const actor_args *args, actor_reply *reply) {
  struct shmid_ds state = {0};
  long result = shmctl((int)arg_number(args, 0), (int)arg_number(args, 1), &state);
  if (result < 0 || arg_number(args, 1) != IPC_STAT) return result;
  reply_number(reply, "attached", (int64_t)state.shm_nattch);
  reply_number(reply, "mode", state.shm_perm.mode);
  reply_number(reply, "creator", state.shm_cpid);
  reply_number(reply, "last", state.shm_lpid);
  reply_number(reply, "size", (int64_t)state.shm_segsz);
  return result;
}

/* store(address, bytes), one byte after the other. */
static long do_store(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const uint8_t *data = arg_bytes(args, 1, &length);
  volatile uint8_t *to = arg_pointer(args, 0);
  for (size_t at = 0; at < length; at++) to[at] = data[at];
  return (long)length;
}

/* load(address, length) */
static long do_load(const actor_args *args, actor_reply *reply) {
  size_t length = (size_t)arg_number(args, 1);
  reply_bytes(reply, "data", arg_pointer(args, 0), length);
  return (long)length;
}

/* exchange_add(address, change): an atomic word; answers what it was. */
static long do_exchange_add(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return __atomic_fetch_add((uint32_t *)arg_pointer(args, 0), (uint32_t)arg_number(args, 1), __ATOMIC_SEQ_CST);
}

/* Where the two sides of a litmus test write, each on a cache line of its own. */
struct litmus_side {
  _Alignas(64) _Atomic uint32_t word;
  _Alignas(64) _Atomic uint32_t arrived;
  _Alignas(64) _Atomic uint32_t saw;
};

enum { SPINS = 1000, SWEEP = 256 };

static void arrive(struct litmus_side *mine, struct litmus_side *its, uint32_t step) {
  atomic_store(&mine->arrived, step);
  for (int spins = 0; atomic_load(&its->arrived) < step; spins++)
    if (spins > SPINS) sched_yield(); // both may share one processor
}

/*
 * litmus(address, side 0 or 1, rounds, 1 where a barrier stands between the two), of zeroed memory: in each
 * round either side stores to its own word and then loads the other's. Answers the first round in which neither
 * saw the other's store, which no order of the four accesses explains; 0 where there was none.
 */
static long do_litmus(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct litmus_side *sides = arg_pointer(args, 0);
  bool second = arg_number(args, 1) != 0, fenced = arg_number(args, 3) != 0;
  struct litmus_side *mine = &sides[second ? 1 : 0], *its = &sides[second ? 0 : 1];
  for (uint32_t round = 1; round <= (uint32_t)arg_number(args, 2); round++) {
    arrive(mine, its, 2 * round - 1);
    // Whoever arrives last starts first: all delays are tried, so that both meet in some rounds.
    for (volatile uint32_t delay = second ? round % SWEEP : SWEEP / 2; delay > 0; delay--) {}
    atomic_store_explicit(&mine->word, round, memory_order_relaxed);
    if (fenced) atomic_thread_fence(memory_order_seq_cst);
    uint32_t seen = atomic_load_explicit(&its->word, memory_order_relaxed);
    atomic_store_explicit(&mine->saw, seen == round, memory_order_relaxed);
    arrive(mine, its, 2 * round);
    if (!atomic_load(&mine->saw) && !atomic_load(&its->saw)) return round;
  }
  return 0;
}

/*
 * contend(address, length, byte, rounds): stores a block of this byte again and again and looks at it. Answers
 * the first round in which another's bytes stood among its own; 0 where there was none.
 */
static long do_contend(const actor_args *args, actor_reply *reply) {
  (void)reply;
  volatile uint8_t *block = arg_pointer(args, 0);
  int64_t length = arg_number(args, 1), rounds = arg_number(args, 3);
  uint8_t mine = (uint8_t)arg_number(args, 2);
  for (int64_t round = 1; round <= rounds; round++) {
    for (int64_t at = 0; at < length; at++) block[at] = mine;
    int64_t left = 0;
    for (int64_t at = 0; at < length; at++) left += block[at] == mine;
    if (left > 0 && left < length) return round;
  }
  return 0;
}

/* futex_wait(address, expected, ms), shared; less than 0 ms: for ever. */
static long do_futex_wait(const actor_args *args, actor_reply *reply) {
  (void)reply;
  int64_t ms = arg_number(args, 2);
  struct timespec limit = duration_of(ms);
  return syscall(SYS_futex, arg_pointer(args, 0), FUTEX_WAIT, (uint32_t)arg_number(args, 1), ms < 0 ? NULL : &limit, NULL, 0);
}

/* futex_wake(address, how many) answers how many. */
static long do_futex_wake(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return syscall(SYS_futex, arg_pointer(args, 0), FUTEX_WAKE, (int)arg_number(args, 1), NULL, NULL, 0);
}

/* mutex_init(address, 1 where robust): shared between processes. */
static long do_mutex_init(const actor_args *args, actor_reply *reply) {
  (void)reply;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (arg_number(args, 1) != 0) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  int error = pthread_mutex_init(arg_pointer(args, 0), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return from_error(error);
}

static long do_mutex_lock(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return from_error(pthread_mutex_lock(arg_pointer(args, 0)));
}

/* mutex_timedlock(address, ms) */
static long do_mutex_timedlock(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct timespec deadline = deadline_in(arg_number(args, 1));
  return from_error(pthread_mutex_timedlock(arg_pointer(args, 0), &deadline));
}

static long do_mutex_trylock(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return from_error(pthread_mutex_trylock(arg_pointer(args, 0)));
}

static long do_mutex_unlock(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return from_error(pthread_mutex_unlock(arg_pointer(args, 0)));
}

static long do_mutex_consistent(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return from_error(pthread_mutex_consistent(arg_pointer(args, 0)));
}

ACTOR_CALLS(memory, {"shm_open", do_shm_open}, {"shm_unlink", do_shm_unlink}, {"mmap", do_mmap}, {"munmap", do_munmap},
            {"shmget", do_shmget}, {"shmat", do_shmat}, {"shmdt", do_shmdt}, {"shmctl", do_shmctl}, {"store", do_store}, {"load", do_load},
            {"exchange_add", do_exchange_add}, {"contend", do_contend}, {"litmus", do_litmus}, {"futex_wait", do_futex_wait}, {"futex_wake", do_futex_wake}, {"mutex_init", do_mutex_init},
            {"mutex_lock", do_mutex_lock}, {"mutex_timedlock", do_mutex_timedlock}, {"mutex_trylock", do_mutex_trylock},
            {"mutex_unlock", do_mutex_unlock}, {"mutex_consistent", do_mutex_consistent})
