/* Sockets. Addresses are the bytes of a sockaddr. */
#include "actor.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long do_socket(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return socket((int)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2));
}

/* socketpair(domain, type) */
static long do_socketpair(const actor_args *args, actor_reply *reply) {
  int ends[2];
  long result = socketpair((int)arg_number(args, 0), (int)arg_number(args, 1), 0, ends);
  if (result < 0) return result;
  reply_number(reply, "first", ends[0]);
  reply_number(reply, "second", ends[1]);
  return result;
}

static long do_bind(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *address = arg_bytes(args, 1, &length);
  return bind((int)arg_number(args, 0), address, (socklen_t)length);
}

static long do_connect(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *address = arg_bytes(args, 1, &length);
  return connect((int)arg_number(args, 0), address, (socklen_t)length);
}

static long do_listen(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return listen((int)arg_number(args, 0), (int)arg_number(args, 1));
}

/* accept(fd, flags) */
static long do_accept(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return accept4((int)arg_number(args, 0), NULL, NULL, (int)arg_number(args, 1));
}

static long do_getsockname(const actor_args *args, actor_reply *reply) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  long result = getsockname((int)arg_number(args, 0), (struct sockaddr *)&address, &length);
  if (result >= 0) reply_bytes(reply, "address", &address, length);
  return result;
}

static long do_getpeername(const actor_args *args, actor_reply *reply) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  long result = getpeername((int)arg_number(args, 0), (struct sockaddr *)&address, &length);
  if (result >= 0) reply_bytes(reply, "address", &address, length);
  return result;
}

static long do_shutdown(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return shutdown((int)arg_number(args, 0), (int)arg_number(args, 1));
}

/* setsockopt(fd, level, option, bytes) */
static long do_setsockopt(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *value = arg_bytes(args, 3, &length);
  return setsockopt((int)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2), value, (socklen_t)length);
}

/* getsockopt(fd, level, option, room) */
static long do_getsockopt(const actor_args *args, actor_reply *reply) {
  socklen_t length = (socklen_t)arg_number(args, 3);
  void *value = scratch(length);
  long result = getsockopt((int)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2), value, &length);
  if (result >= 0) reply_bytes(reply, "value", value, length);
  return result;
}

/* send(fd, bytes, flags), sendto(fd, bytes, flags, address) */
static long do_send(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *data = arg_bytes(args, 1, &length);
  return send((int)arg_number(args, 0), data, length, (int)arg_number(args, 2));
}

static long do_sendto(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length, address_length;
  const void *data = arg_bytes(args, 1, &length), *address = arg_bytes(args, 3, &address_length);
  return sendto((int)arg_number(args, 0), data, length, (int)arg_number(args, 2), address, (socklen_t)address_length);
}

/* send_rights(fd, bytes, descriptor…) */
static long do_send_rights(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length, count = arg_count(args) - 2;
  struct iovec part = {.iov_base = (void *)arg_bytes(args, 1, &length)};
  part.iov_len = length;
  size_t room = CMSG_SPACE(count * sizeof(int));
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = memset(scratch(room), 0, room), .msg_controllen = room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
  for (size_t at = 0; at < count; at++) ((int *)(void *)CMSG_DATA(header))[at] = (int)arg_number(args, at + 2);
  return sendmsg((int)arg_number(args, 0), &message, MSG_NOSIGNAL);
}

/* recv(fd, room, flags) */
static long do_recv(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  void *data = scratch(room);
  long result = recv((int)arg_number(args, 0), data, room, (int)arg_number(args, 2));
  if (result >= 0) reply_bytes(reply, "data", data, (size_t)result);
  return result;
}

static void tell_ancillary(struct msghdr *message, actor_reply *reply) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    size_t length = header->cmsg_len - CMSG_LEN(0);
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS)
      for (size_t at = 0; at < length / sizeof(int); at++) reply_number(reply, "right", ((int *)(void *)CMSG_DATA(header))[at]);
    if (header->cmsg_type == SCM_CREDENTIALS) {
      const struct ucred *credentials = (void *)CMSG_DATA(header);
      reply_number(reply, "pid", credentials->pid);
      reply_number(reply, "uid", credentials->uid);
      reply_number(reply, "gid", credentials->gid);
    }
  }
}

/*
 * recvmsg(fd, room, flags), recvmsg(fd, room, flags, room for ancillary data): bytes, where they came from, flags,
 * and descriptors or credentials that came with them.
 */
static long do_recvmsg(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  struct sockaddr_storage address;
  _Alignas(struct cmsghdr) char control[2048];
  struct iovec part = {.iov_base = scratch(room), .iov_len = room};
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = sizeof address,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  if (arg_count(args) > 3 && arg_number(args, 3) < (int64_t)sizeof control) message.msg_controllen = (size_t)arg_number(args, 3);
  long result = recvmsg((int)arg_number(args, 0), &message, (int)arg_number(args, 2));
  if (result < 0) return result;
  reply_bytes(reply, "data", part.iov_base, (size_t)result < room ? (size_t)result : room);
  reply_bytes(reply, "address", &address, message.msg_namelen);
  reply_number(reply, "flags", message.msg_flags);
  tell_ancillary(&message, reply);
  return result;
}

ACTOR_CALLS(sockets, {"socket", do_socket}, {"socketpair", do_socketpair}, {"bind", do_bind}, {"connect", do_connect},
            {"listen", do_listen}, {"accept", do_accept}, {"getsockname", do_getsockname}, {"getpeername", do_getpeername},
            {"shutdown", do_shutdown}, {"setsockopt", do_setsockopt}, {"getsockopt", do_getsockopt}, {"send", do_send}, {"sendto", do_sendto},
            {"send_rights", do_send_rights}, {"recv", do_recv}, {"recvmsg", do_recvmsg})
