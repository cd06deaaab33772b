// System calls as the C library makes them, but for its points of cancellation: where there is more than one thread, and
// a Node.js process has eleven, these cost 30 ns a call. No thread here is ever cancelled.
#pragma once
#include "native.h"
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int64_t ipc_read(int fd, void *to, size_t room) { return syscall(SYS_read, fd, to, room); }

static inline int64_t ipc_write(int fd, const void *from, size_t length) { return syscall(SYS_write, fd, from, length); }

static inline int64_t ipc_send(int fd, const void *from, size_t length, int flags) {
  return syscall(SYS_sendto, fd, from, length, flags, NULL, 0);
}

static inline int64_t ipc_recvfrom(int fd, void *to, size_t room, int flags, struct sockaddr *sender, socklen_t *length) {
  return syscall(SYS_recvfrom, fd, to, room, flags, sender, length);
}

static inline int64_t ipc_recvmsg(int fd, struct msghdr *header, int flags) {
  return syscall(SYS_recvmsg, fd, header, flags);
}

static inline int64_t ipc_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags) {
  return syscall(SYS_recvmmsg, fd, headers, count, flags, NULL);
}
