// Placement: which processors a thread may run on. sched_setaffinity(2).
#include "native.h"
#include <sched.h>
#include <string.h>

// schedSetAffinity(tid, cpus: Int32Array): 0 or -errno. tid 0 is the calling thread.
static napi_value set_affinity(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int tid;
  uint8_t *bytes;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &tid) ||
      !ipc_get_bytes(env, argv[1], &bytes, &length))
    return NULL;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = 0; i < length / sizeof(int32_t); i++) {
    int32_t cpu;
    memcpy(&cpu, bytes + i * sizeof cpu, sizeof cpu);
    if (cpu < 0 || cpu >= CPU_SETSIZE) return ipc_int(env, -EINVAL);
    CPU_SET(cpu, &set);
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
  cpu_set_t set;
  if (sched_getaffinity(tid, sizeof set, &set) < 0) return ipc_int(env, -errno);
  size_t count = 0;
  for (int32_t cpu = 0; cpu < CPU_SETSIZE && count < length / sizeof cpu; cpu++)
    if (CPU_ISSET(cpu, &set)) memcpy(bytes + count++ * sizeof cpu, &cpu, sizeof cpu);
  return ipc_int(env, (int64_t)count);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "schedSetAffinity", set_affinity);
  ipc_export(env, exports, "schedGetAffinity", get_affinity);
}
IPC_MODULE(sched, init)
