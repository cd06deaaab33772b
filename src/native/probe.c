// A spin probe: how fast a cache line goes between two processors, or one processor runs, right now.
// The median of many short batches, for one that lost its processor tells nothing of their state.
#include "native.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ __volatile__("yield")
#else
#define RELAX() ((void)0)
#endif

// Of a plain loop; so many steps are one turn.
#define STEPS 100
#define BATCH 16
#define BATCHES 2048
#define STOP UINT64_MAX

struct probe {
  _Alignas(64) _Atomic uint64_t turn; // odd: the other side's
  _Alignas(64) int64_t duration_ns;
  bool alone;
  int count;
  int64_t batch_ns[BATCHES];
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void plain_turn(void) {
  for (int i = 0; i < STEPS; i++) __asm__ __volatile__("" ::: "memory");
}

static void *pinger(void *arg) {
  struct probe *probe = arg;
  int64_t start = now_ns(), before = start, now = start;
  uint64_t turn = 0;
  do {
    for (int i = 0; i < BATCH; i++, turn += 2) {
      if (probe->alone) {
        plain_turn();
        continue;
      }
      atomic_store_explicit(&probe->turn, turn + 1, memory_order_release);
      while (atomic_load_explicit(&probe->turn, memory_order_acquire) != turn + 2) RELAX();
    }
    now = now_ns();
    probe->batch_ns[probe->count++] = now - before;
    before = now;
  } while (now - start < probe->duration_ns && probe->count < BATCHES);
  atomic_store(&probe->turn, STOP);
  return NULL;
}

static void *ponger(void *arg) {
  struct probe *probe = arg;
  for (uint64_t turn = 1;; turn += 2) {
    uint64_t seen;
    while ((seen = atomic_load_explicit(&probe->turn, memory_order_acquire)) != turn) {
      if (seen == STOP) return NULL;
      RELAX();
    }
    atomic_store_explicit(&probe->turn, turn + 1, memory_order_release);
  }
}

static int start_on(int cpu, void *(*run)(void *), struct probe *probe, pthread_t *thread) {
  pthread_attr_t attributes;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  error = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
  if (error == 0) error = pthread_create(thread, &attributes, run, probe);
  pthread_attr_destroy(&attributes);
  return error;
}

// spinProbe(cpuA, cpuB, microseconds): picoseconds of a turn there and back between two threads, one on each
// processor; on one and the same, of a plain loop; or -errno. Blocks this thread.
static napi_value spin_probe(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int a, b, microseconds;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &a) || !ipc_get_int(env, argv[1], &b) ||
      !ipc_get_int(env, argv[2], &microseconds))
    return NULL;
  if (a < 0 || a >= CPU_SETSIZE || b < 0 || b >= CPU_SETSIZE || microseconds < 0) return ipc_int(env, -EINVAL);
  struct probe probe = {.duration_ns = (int64_t)microseconds * 1000, .alone = a == b};
  pthread_t ping, pong;
  if (!probe.alone) {
    int error = start_on(b, ponger, &probe, &pong);
    if (error != 0) return ipc_int(env, -error);
  }
  int error = start_on(a, pinger, &probe, &ping);
  if (error != 0) atomic_store(&probe.turn, STOP);
  else pthread_join(ping, NULL);
  if (!probe.alone) pthread_join(pong, NULL);
  if (error != 0) return ipc_int(env, -error);
  qsort(probe.batch_ns, (size_t)probe.count, sizeof probe.batch_ns[0], by_size);
  return ipc_int(env, probe.batch_ns[probe.count / 2] * 1000 / BATCH);
}

static void init(napi_env env, napi_value exports) { ipc_export(env, exports, "spinProbe", spin_probe); }
IPC_MODULE(probe, init)
