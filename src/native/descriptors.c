// Descriptors that travel (SCM_RIGHTS, unix(7)) and descriptors that only count (eventfd(2)).
#include "native.h"
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_DESCRIPTORS 253 // the kernel's SCM_MAX_FD: what is cut short then is our own lack of descriptors

typedef union {
  struct cmsghdr header; // for its alignment
  char bytes[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
} control_space;

// fdSendDescriptors(socket, data, fds: Int32Array): one sendmsg(2); the bytes sent, or -errno. `data` must
// not be empty. The descriptors stay open here.
static napi_value fd_send_descriptors(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd;
  uint8_t *data, *fds;
  size_t length, fds_bytes;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length) ||
      !ipc_get_bytes(env, argv[2], &fds, &fds_bytes))
    return NULL;
  if (length == 0 || fds_bytes == 0 || fds_bytes % sizeof(int) != 0 || fds_bytes > MAX_DESCRIPTORS * sizeof(int))
    return ipc_int(env, -EINVAL);
  control_space control;
  memset(&control, 0, sizeof control);
  struct iovec part = {data, length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(fds_bytes)};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds_bytes);
  memcpy(CMSG_DATA(rights), fds, fds_bytes);
  ssize_t n;
  do n = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// fdReceiveDescriptors(socket, target, fds: Int32Array): one recvmsg(2); the bytes received, or -errno.
// `fds` gets the descriptors, which are ours from here, then -1. More of them than fit, or more of a datagram:
// all are closed, -EMSGSIZE; more than this process may open: -EMFILE.
static napi_value fd_receive_descriptors(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd;
  uint8_t *target, *fds;
  size_t length, fds_bytes;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) ||
      !ipc_get_bytes(env, argv[1], &target, &length) || !ipc_get_bytes(env, argv[2], &fds, &fds_bytes))
    return NULL;
  size_t room = fds_bytes / sizeof(int), count = 0;
  if (room > MAX_DESCRIPTORS) return ipc_int(env, -EINVAL);
  control_space control;
  struct iovec part = {target, length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  do n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return ipc_int(env, -errno);
  int received[MAX_DESCRIPTORS];
  int error = message.msg_flags & MSG_CTRUNC ? -EMFILE : message.msg_flags & MSG_TRUNC ? -EMSGSIZE : 0;
  for (struct cmsghdr *part_of = CMSG_FIRSTHDR(&message); part_of != NULL; part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    size_t here = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here; i++) {
      int arrived;
      memcpy(&arrived, CMSG_DATA(part_of) + i * sizeof(int), sizeof arrived);
      if (error == 0 && count == room) error = -EMSGSIZE;
      if (error < 0) {
        close(arrived);
        continue;
      }
      int owned = ipc_fd_own(env, arrived);
      if (owned >= 0) received[count++] = owned;
      else error = owned; // and closed
    }
  }
  for (size_t i = 0; i < count && error < 0; i++) ipc_fd_close(env, received[i]);
  if (error < 0) return ipc_int(env, error);
  for (size_t i = count; i < room; i++) received[i] = -1;
  if (room > 0) memcpy(fds, received, room * sizeof(int));
  return ipc_int(env, n);
}

void ipc_close_rights(const struct cmsghdr *part) {
  size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; i++) {
    int fd;
    memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
    close(fd);
  }
}

// eventfdOpen(): non-blocking, close-on-exec, 0.
static napi_value eventfd_open(napi_env env, napi_callback_info info) {
  (void)info;
  return ipc_int(env, ipc_fd_own(env, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
}

// eventfdTake(fd): 1 where it was signalled, else 0; -errno.
static napi_value eventfd_take(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  uint64_t count;
  ssize_t n;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  do n = read(fd, &count, sizeof count);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, n >= 0 ? 1 : errno == EAGAIN ? 0 : -errno);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "fdSendDescriptors", fd_send_descriptors);
  ipc_export(env, exports, "fdReceiveDescriptors", fd_receive_descriptors);
  ipc_export(env, exports, "eventfdOpen", eventfd_open);
  ipc_export(env, exports, "eventfdTake", eventfd_take);
}
IPC_MODULE(descriptors, init)
