// System V shared memory. sysvipc(7)
#include "memory.h"
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

// shmGet(key, bytes, flags): shmget(2); the id or -errno. `flags` holds the mode too.
static napi_value shm_get(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int key, flags;
  int64_t bytes;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &key) || !ipc_get_int64(env, argv[1], &bytes) ||
      !ipc_get_int(env, argv[2], &flags))
    return NULL;
  return ipc_int(env, ipc_result(shmget(key, (size_t)bytes, flags)));
}

static int place_segment(void *at, size_t bytes, int id) {
  (void)bytes;
  return shmat(id, at, SHM_REMAP) == (void *)-1 ? -errno : 0;
}

// shmMap(id): the whole segment as a mapping (see native/memory.ts), or -errno.
static napi_value shm_map(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  struct shmid_ds status;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  if (shmctl(id, IPC_STAT, &status) < 0) return ipc_int(env, -errno);
  return ipc_int(env, ipc_memory_open(env, status.shm_segsz, place_segment, id));
}

// shmStat(id, out: Float64Array(4)): bytes, creator's pid, time of creation or change, attached mappings.
static napi_value shm_stat(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id;
  uint8_t *out;
  size_t length;
  struct shmid_ds status;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_bytes(env, argv[1], &out, &length))
    return NULL;
  if (length < 4 * sizeof(double)) return ipc_int(env, -EINVAL);
  if (shmctl(id, IPC_STAT, &status) < 0) return ipc_int(env, -errno);
  double values[4] = {(double)status.shm_segsz, (double)status.shm_cpid, (double)status.shm_ctime,
                      (double)status.shm_nattch};
  memcpy(out, values, sizeof values);
  return ipc_int(env, 0);
}

// shmRemove(id): the key is free at once, the memory when nobody has it mapped.
static napi_value shm_remove(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  return ipc_int(env, ipc_result(shmctl(id, IPC_RMID, NULL)));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "shmGet", shm_get);
  ipc_export(env, exports, "shmMap", shm_map);
  ipc_export(env, exports, "shmStat", shm_stat);
  ipc_export(env, exports, "shmRemove", shm_remove);
}
IPC_MODULE(shared_memory, init)
