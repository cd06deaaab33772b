// A lock on a file, that its holder's death releases: open-file-description locks, fcntl_locking(2).
//
// Byte 0 is the lock. Who waits for it holds byte 1 for reading meanwhile, so that others can see that
// somebody waits, and the kernel forgets it when that process dies. Neither byte needs to be there.
#include "native.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { HELD, WANTED };

static int64_t lock_byte(int fd, int command, short type, off_t byte) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
  if (fcntl(fd, command, &lock) == 0) return 0;
  return errno == EACCES ? -EAGAIN : -errno;
}

// fileLockTake(fd): 0, or -EAGAIN where another open file description holds it.
static napi_value file_lock_take(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, lock_byte(fd, F_OFD_SETLK, F_WRLCK, HELD));
}

// fileLockWanted(fd): 1 where another waits for it, else 0.
static napi_value file_lock_wanted(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WANTED, .l_len = 1};
  if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return ipc_int(env, -errno);
  return ipc_int(env, lock.l_type == F_UNLCK ? 0 : 1);
}

// fileLockGive(fd): also where a process between fork(2) and exec(2) has the description, too.
static napi_value file_lock_give(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, lock_byte(fd, F_OFD_SETLK, F_UNLCK, HELD));
}

// ---- for the event loop -----------------------------------------------------------------------

static int64_t waiter_wait(void *arg, const atomic_bool *cancelled) {
  const int fd = *(const int *)arg;
  lock_byte(fd, F_OFD_SETLK, F_RDLCK, WANTED); // where it fails, others are only less polite
  int64_t result = -ECANCELED;
  while (!atomic_load(cancelled)) {
    result = lock_byte(fd, F_OFD_SETLKW, F_WRLCK, HELD);
    if (result != -EINTR) break;
    result = -ECANCELED;
  }
  lock_byte(fd, F_OFD_SETLK, F_UNLCK, WANTED);
  return result;
}

// fileLockWaiterOpen(fd): a waiter (see native.h) that takes the lock. To be closed before the descriptor.
static napi_value file_lock_waiter_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  int *arg = malloc(sizeof *arg);
  if (arg == NULL) return ipc_int(env, -ENOMEM);
  *arg = fd;
  return ipc_int(env, ipc_waiter_open(env, waiter_wait, arg, free));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "fileLockTake", file_lock_take);
  ipc_export(env, exports, "fileLockWanted", file_lock_wanted);
  ipc_export(env, exports, "fileLockGive", file_lock_give);
  ipc_export(env, exports, "fileLockWaiterOpen", file_lock_waiter_open);
}
IPC_MODULE(file_lock, init)
