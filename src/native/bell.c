// Waiting for what another process does to words of a mapping: look, spin a little, then sleep on a word of
// one's own, the bell. src/adapters/shared-memory/ring-buffer.ts defines bells and proves that no wake-up is lost.
#include "memory.h"
#include <linux/futex.h>
#include <poll.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// What a bell says beside what its side waits for (1 readable, 2 writable).
#define BLOCKED 4
#define LISTENING 8

// The kernel has no wait for a futex and a descriptor together, and a timeout would cost a tenth of a round trip: a
// guard, a thread that waits for the peer's end, wakes a blocked side. Where there is none, it looks so often.
#define LOOK_MS 50
// The guard repeats its wake-up: the one before may have come just before the sleep.
#define REPEAT_MS 1

// Turns of a spin without a pause: what answers at once is seen at once.
#define EAGER_TURNS 256

// bellWait.
enum { TIMED_OUT, CHANGED, CHANGED_LATE };

typedef _Atomic uint32_t word;

typedef struct {
  ipc_mapping *mapping;
  word *mine, *peers;
  // By direction, in and out: the index that the peer moves, and the word that is not zero when it has ended.
  word *index[2], *end[2];
  word *fault;
  int event_fd, life_fd;
  bool guarded;
  atomic_bool sleeping, lost;
} bell;

static const char tag;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline bool changed(const bell *self, int interest, const uint32_t seen[2]) {
  for (int way = 0; way < 2; way++)
    if ((interest & (1 << way)) && (atomic_load(self->index[way]) != seen[way] || atomic_load(self->end[way]) != 0))
      return true;
  return atomic_load(self->fault) != 0;
}

static void wake(word *sleeper) { syscall(SYS_futex, sleeper, FUTEX_WAKE, INT_MAX); }

// Whether the peer is gone, after `timeout_ms` at most.
static bool gone(const bell *self, int timeout_ms) {
  struct pollfd polled = {self->life_fd, POLLIN | POLLRDHUP, 0};
  return poll(&polled, 1, timeout_ms) > 0;
}

// The sooner of the deadline and the next look; NULL where the guard will wake.
static const struct timespec *until(const bell *self, const struct timespec *deadline, struct timespec *look) {
  if (self->guarded || self->life_fd < 0) return deadline;
  ipc_deadline(LOOK_MS, look);
  if (deadline == NULL) return look;
  bool sooner = deadline->tv_sec != look->tv_sec ? deadline->tv_sec < look->tv_sec : deadline->tv_nsec < look->tv_nsec;
  return sooner ? deadline : look;
}

static int sleep_on(bell *self, int interest, const uint32_t seen[2], double timeout) {
  struct timespec time, look;
  const struct timespec *deadline = ipc_deadline(timeout, &time) ? &time : NULL;
  const uint32_t bits = (uint32_t)interest | BLOCKED;
  int result = TIMED_OUT;
  atomic_store(&self->sleeping, true);
  for (;;) {
    uint32_t value = atomic_fetch_or(self->mine, bits) | bits;
    int error = 0;
    // FUTEX_WAIT_BITSET, because its deadline is absolute and on CLOCK_MONOTONIC.
    if (!changed(self, interest, seen) && !atomic_load(&self->lost) &&
        syscall(SYS_futex, self->mine, FUTEX_WAIT_BITSET, value, until(self, deadline, &look), NULL, FUTEX_BITSET_MATCH_ANY) < 0)
      error = errno;
    if (changed(self, interest, seen)) result = CHANGED_LATE;
    else if (atomic_load(&self->lost) || (error == ETIMEDOUT && self->life_fd >= 0 && gone(self, 0))) result = -EPIPE;
    else if (deadline == NULL || ipc_remaining_ms(true, deadline) > 0) continue; // rung for the other direction
    // Whoever does not sleep any more need not be woken; an event loop of this side may still want to be.
    value = atomic_load(self->mine);
    if (value != 0 && !(value & LISTENING)) atomic_compare_exchange_strong(self->mine, &value, 0);
    atomic_store(&self->sleeping, false);
    return result;
  }
}

// bellWait(bell, interest, seenIn, seenOut, turns, timeoutMs): waits until the index of a direction of
// `interest` is not what was seen, its peer has ended, or memory was taken away: CHANGED where `turns` of
// looking were enough, CHANGED_LATE after sleeping; TIMED_OUT (0 ms: never sleeps; negative: no limit);
// -EPIPE when the peer is gone. A signal does not end the wait.
static napi_value bell_wait(napi_env env, napi_callback_info info) {
  napi_value argv[6];
  int interest, in, out, turns;
  double timeout;
  if (!ipc_args(env, info, 6, argv) || !ipc_get_int(env, argv[1], &interest) || !ipc_get_int(env, argv[2], &in) ||
      !ipc_get_int(env, argv[3], &out) || !ipc_get_int(env, argv[4], &turns) || !ipc_get_double(env, argv[5], &timeout))
    return NULL;
  bell *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  const uint32_t seen[2] = {(uint32_t)in, (uint32_t)out};
  for (int turn = 0; turn < turns; turn++) {
    if (changed(self, interest, seen)) return ipc_int(env, CHANGED);
    if (turn >= EAGER_TURNS) relax();
  }
  return ipc_int(env, timeout == 0 ? TIMED_OUT : sleep_on(self, interest, seen, timeout));
}

// bellRing(bell, how): wakes the peer, whose bell said `how`. 0 or -errno.
static napi_value bell_ring(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int how;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &how)) return NULL;
  const bell *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  bool by_event = (how & LISTENING) && self->event_fd >= 0;
  if (by_event) {
    const uint64_t one = 1;
    ssize_t n;
    do n = write(self->event_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) return ipc_int(env, -errno); // full is rung already
  }
  if (!by_event || (how & BLOCKED)) wake(self->peers);
  return ipc_int(env, 0);
}

static void bell_free(void *object) {
  bell *self = object;
  ipc_memory_unhold(self->mapping);
  free(self);
}

static int64_t guard_wait(void *arg, const atomic_bool *cancelled) {
  bell *self = arg;
  while (!atomic_load(cancelled)) {
    if (!gone(self, -1)) continue; // kicked
    // This thread must not touch the mapping: it has SIGBUS blocked.
    atomic_store(&self->lost, true);
    while (atomic_load(&self->sleeping) && !atomic_load(cancelled)) {
      wake(self->mine);
      poll(NULL, 0, REPEAT_MS);
    }
    return 0;
  }
  return -ECANCELED;
}

static void guard_free(void *object) { (void)object; }

// bellGuard(bell): a waiter (see native.h), to be started, which from then on wakes this side when the peer is
// gone; -errno where there can be no thread. To be closed before the bell.
static napi_value bell_guard(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  bell *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL || self->life_fd < 0) return ipc_int(env, -EBADF);
  int waiter = ipc_waiter_open(env, guard_wait, self, guard_free);
  self->guarded = waiter >= 0;
  return ipc_int(env, waiter);
}

// bellOpen(mapping, offsets: Int32Array(6), eventFd, lifeFd): a handle or -errno. The offsets: this side's bell,
// the peer's, the index and the end of what comes in, those of what goes out. `eventFd` (or -1) is
// what wakes the peer's event loop; `lifeFd` (or -1) becomes readable or hangs up when the peer is gone. The
// mapping stays mapped until bellClose; the descriptors are only used.
static napi_value bell_open(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  uint8_t *bytes;
  size_t length;
  int event_fd, life_fd;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_bytes(env, argv[1], &bytes, &length) ||
      !ipc_get_int(env, argv[2], &event_fd) || !ipc_get_int(env, argv[3], &life_fd))
    return NULL;
  int32_t offsets[6];
  if (length != sizeof offsets) return ipc_int(env, -EINVAL);
  memcpy(offsets, bytes, sizeof offsets);
  bell *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->mapping = ipc_memory_hold(env, argv[0]);
  if (self->mapping == NULL) {
    free(self);
    return ipc_int(env, -EBADF);
  }
  self->event_fd = event_fd;
  self->life_fd = life_fd;
  word **words[7] = {&self->mine,   &self->peers,  &self->index[0], &self->end[0],
                     &self->index[1], &self->end[1], &self->fault};
  for (int i = 0; i < 7; i++) {
    *words[i] = (word *)(i < 6 ? ipc_memory_word_at(self->mapping, offsets[i]) : ipc_memory_fault_word(self->mapping));
    if (*words[i] != NULL) continue;
    bell_free(self);
    return ipc_int(env, -EINVAL);
  }
  return ipc_int(env, ipc_handle_add(env, &tag, self, bell_free));
}

static napi_value bell_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "bellOpen", bell_open);
  ipc_export(env, exports, "bellWait", bell_wait);
  ipc_export(env, exports, "bellRing", bell_ring);
  ipc_export(env, exports, "bellGuard", bell_guard);
  ipc_export(env, exports, "bellClose", bell_close);
}
IPC_MODULE(bell, init)
