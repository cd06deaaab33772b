// Reading, writing and waiting on descriptors.
#include "native.h"
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// fdAdopt(fd): an inherited descriptor becomes ours: close-on-exec, non-blocking, closed with the environment.
static napi_value fd_adopt(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return ipc_int(env, -errno);
  return ipc_int(env, ipc_fd_own(env, fd));
}

// fdDisown(fd): the opposite; whoever has it now closes it. fd, or -EBADF where it was not ours.
static napi_value fd_disown(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, ipc_fd_forget(env, fd));
}

static napi_value fd_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, ipc_fd_close(env, fd));
}

// fdOpen(path, flags, mode): always O_CLOEXEC.
static napi_value fd_open(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  char path[4096];
  int flags, mode;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_string(env, argv[0], path, sizeof path) ||
      !ipc_get_int(env, argv[1], &flags) || !ipc_get_int(env, argv[2], &mode))
    return NULL;
  int fd;
  do fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
  while (fd < 0 && errno == EINTR);
  return ipc_int(env, ipc_fd_own(env, fd));
}

// fdPipe(flags, ends: Int32Array(2)): pipe2(2) with O_CLOEXEC added. ends = [read, write].
static napi_value fd_pipe(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int flags, fds[2];
  uint8_t *ends;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &flags) ||
      !ipc_get_bytes(env, argv[1], &ends, &length))
    return NULL;
  if (length < sizeof fds) return ipc_int(env, -EINVAL);
  if (pipe2(fds, flags | O_CLOEXEC) < 0) return ipc_int(env, -errno);
  int owned = ipc_fd_own(env, fds[0]);
  if (owned < 0) {
    close(fds[1]);
    return ipc_int(env, owned);
  }
  owned = ipc_fd_own(env, fds[1]);
  if (owned < 0) {
    ipc_fd_close(env, fds[0]);
    return ipc_int(env, owned);
  }
  memcpy(ends, fds, sizeof fds);
  return ipc_int(env, 0);
}

// fdRead(fd, target, overflow?): one readv(2); bytes past the end of `target` go to `overflow`.
static napi_value fd_read(napi_env env, napi_callback_info info) {
  napi_value argv[3] = {NULL};
  size_t argc = 3;
  int fd;
  struct iovec parts[2];
  uint8_t *at;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 2 ||
      !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &at, &parts[0].iov_len))
    return NULL;
  parts[0].iov_base = at;
  int count = 1;
  if (argc > 2) {
    if (!ipc_get_bytes(env, argv[2], &at, &parts[1].iov_len)) return NULL;
    parts[1].iov_base = at;
    if (parts[1].iov_len > 0) count = 2;
  }
  ssize_t n;
  do n = count == 1 ? read(fd, parts[0].iov_base, parts[0].iov_len) : readv(fd, parts, count);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

static napi_value fd_write(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t *data;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) ||
      !ipc_get_bytes(env, argv[1], &data, &length))
    return NULL;
  ssize_t n;
  do n = write(fd, data, length);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// fdPoll(fd, events, timeoutMs): one descriptor, poll(2). The events that came, 0 after the timeout
// (negative: none). A signal does not end the wait.
static napi_value fd_poll(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd, events;
  double timeout;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &events) ||
      !ipc_get_double(env, argv[2], &timeout))
    return NULL;
  struct timespec deadline;
  bool bounded = ipc_deadline(timeout, &deadline);
  struct pollfd waited = {fd, (short)events, 0};
  int n;
  do n = poll(&waited, 1, ipc_remaining_ms(bounded, &deadline));
  while (n < 0 && errno == EINTR);
  if (n < 0) return ipc_int(env, -errno);
  return ipc_int(env, n == 0 ? 0 : waited.revents);
}

// fdAvailable(fd): FIONREAD, the bytes that wait to be read.
static napi_value fd_available(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd, n = 0;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, ioctl(fd, FIONREAD, &n) < 0 ? -errno : n);
}

// fdSetNonblock(fd, on): 0 or -errno. For the open file description, so for every descriptor of it.
static napi_value fd_set_nonblock(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd, on;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &on)) return NULL;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return ipc_int(env, -errno);
  return ipc_int(env, ipc_result(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)));
}

// fdSetCloseOnExec(fd): for a descriptor that somebody else owns.
static napi_value fd_set_close_on_exec(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  return ipc_int(env, ipc_result(fcntl(fd, F_SETFD, FD_CLOEXEC)));
}

// fdTryLock(fd): an exclusive open-file-description lock on the whole file, held until the last
// descriptor of that description is closed, by whatever means. 0, -EAGAIN where another holds it.
static napi_value fd_try_lock(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return ipc_int(env, 0);
  return ipc_int(env, errno == EACCES ? -EAGAIN : -errno);
}

// fdFlock(fd, operation): flock(2), which a folder takes too. 0, -EAGAIN where another holds it.
static napi_value fd_flock(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd, operation;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &operation))
    return NULL;
  return ipc_int(env, ipc_result(flock(fd, operation | LOCK_NB)));
}

// mkfifo(path, mode): 0 or -errno. The mode is set past the umask.
static napi_value fd_mkfifo(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  char path[4096];
  int mode;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_string(env, argv[0], path, sizeof path) ||
      !ipc_get_int(env, argv[1], &mode))
    return NULL;
  if (mkfifo(path, (mode_t)mode & 0600) < 0) return ipc_int(env, -errno);
  if (chmod(path, (mode_t)mode & 07777) < 0) {
    int error = errno;
    unlink(path);
    return ipc_int(env, -error);
  }
  return ipc_int(env, 0);
}

// pidfdOpen(pid): a descriptor that becomes readable when the process ends. pidfd_open(2), Linux 5.3.
static napi_value pidfd_open_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int pid;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &pid)) return NULL;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0); // close-on-exec by itself
  return ipc_int(env, ipc_fd_own(env, fd));
}

// pidfdTake(pidfd, fd): a descriptor for what another process has open under this number. pidfd_getfd(2), Linux 5.6.
static napi_value pidfd_take(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int pidfd, fd;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &pidfd) || !ipc_get_int(env, argv[1], &fd)) return NULL;
  int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0); // close-on-exec by itself
  return ipc_int(env, ipc_fd_own(env, taken));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "fdAdopt", fd_adopt);
  ipc_export(env, exports, "fdDisown", fd_disown);
  ipc_export(env, exports, "fdClose", fd_close);
  ipc_export(env, exports, "fdOpen", fd_open);
  ipc_export(env, exports, "fdPipe", fd_pipe);
  ipc_export(env, exports, "fdRead", fd_read);
  ipc_export(env, exports, "fdWrite", fd_write);
  ipc_export(env, exports, "fdPoll", fd_poll);
  ipc_export(env, exports, "fdAvailable", fd_available);
  ipc_export(env, exports, "fdSetNonblock", fd_set_nonblock);
  ipc_export(env, exports, "fdSetCloseOnExec", fd_set_close_on_exec);
  ipc_export(env, exports, "fdTryLock", fd_try_lock);
  ipc_export(env, exports, "fdFlock", fd_flock);
  ipc_export(env, exports, "fdMkfifo", fd_mkfifo);
  ipc_export(env, exports, "pidfdOpen", pidfd_open_);
  ipc_export(env, exports, "pidfdTake", pidfd_take);
}
IPC_MODULE(fd, init)
