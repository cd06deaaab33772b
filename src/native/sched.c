// Placement: which processors a thread may run on. sched_setaffinity(2).
#include "native.h"
#include <sched.h>

// schedSetAffinity(tid, cpus: Int32Array): 0 or -errno. tid 0 is the calling thread.
static napi_value set_affinity(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int tid;
  uint8_t *bytes;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &tid) ||
      !ipc_get_bytes(env, argv[1], &bytes, &length))
    return NULL;
  const int32_t *cpus = (const int32_t *)bytes;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = 0; i < length / sizeof *cpus; i++) {
    if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE) return ipc_int(env, -EINVAL);
    CPU_SET(cpus[i], &set);
  }
  return ipc_int(env, ipc_result(sched_setaffinity(tid, sizeof set, &set)));
}

// schedGetAffinity(tid, cpus: Int32Array): how many processors; their numbers in `cpus`.
static napi_value get_affinity(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int tid;
  uint8_t *bytes;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &tid) ||
      !ipc_get_bytes(env, argv[1], &bytes, &length))
    return NULL;
  int32_t *cpus = (int32_t *)bytes;
  cpu_set_t set;
  if (sched_getaffinity(tid, sizeof set, &set) < 0) return ipc_int(env, -errno);
  size_t count = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set) && count < length / sizeof *cpus) cpus[count++] = cpu;
  return ipc_int(env, (int64_t)count);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "schedSetAffinity", set_affinity);
  ipc_export(env, exports, "schedGetAffinity", get_affinity);
}
IPC_MODULE(sched, init)
