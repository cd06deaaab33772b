// socket(2) and what belongs to it. Every socket is close-on-exec and non-blocking.
#include "native.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif

// ---- addresses: (family, host or path, port) ----------------------------------------------------

// A path that begins with '@' is an abstract name (unix(7)); such a name has no file.
static int to_sockaddr(napi_env env, napi_value family, napi_value host, napi_value port,
                       struct sockaddr_storage *out, socklen_t *length) {
  int domain, number;
  char text[256];
  if (!ipc_get_int(env, family, &domain) || !ipc_get_string(env, host, text, sizeof text) ||
      !ipc_get_int(env, port, &number))
    return -EINVAL;
  memset(out, 0, sizeof *out);
  if (domain == AF_UNIX) {
    struct sockaddr_un *unix_address = (struct sockaddr_un *)out;
    size_t bytes = strlen(text);
    if (bytes >= sizeof unix_address->sun_path) return -ENAMETOOLONG;
    unix_address->sun_family = AF_UNIX;
    memcpy(unix_address->sun_path, text, bytes);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
    if (text[0] == '@') {
      unix_address->sun_path[0] = 0;
      (*length)--;
    }
    return 0;
  }
  if (domain == AF_INET6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)number);
    *length = sizeof *six;
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1 ? 0 : -EINVAL;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  four->sin_family = AF_INET;
  four->sin_port = htons((uint16_t)number);
  *length = sizeof *four;
  return inet_pton(AF_INET, text, &four->sin_addr) == 1 ? 0 : -EINVAL;
}

// "host port" of an inet address, the path of a unix one ('@' first for an abstract name, "" for none).
static napi_value from_sockaddr(napi_env env, const struct sockaddr_storage *address, socklen_t length) {
  char text[256] = "";
  char host[INET6_ADDRSTRLEN] = "";
  size_t bytes = 0;
  if (address->ss_family == AF_UNIX) {
    const struct sockaddr_un *unix_address = (const struct sockaddr_un *)address;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    bytes = length > head ? length - head : 0;
    memcpy(text, unix_address->sun_path, bytes);
    if (bytes > 0 && text[0] == 0)
      text[0] = '@';
    else
      bytes = strnlen(text, bytes);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
    bytes = (size_t)snprintf(text, sizeof text, "%s %u", host, ntohs(six->sin6_port));
  } else {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    bytes = (size_t)snprintf(text, sizeof text, "%s %u", host, ntohs(four->sin_port));
  }
  napi_value result = NULL;
  napi_create_string_utf8(env, text, bytes, &result);
  return result;
}

// socketAddress(out, family, host, port): the address as the kernel writes it. Its length, or -errno.
static napi_value socket_address(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  uint8_t *out;
  size_t room;
  struct sockaddr_storage address;
  socklen_t length = 0;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_bytes(env, argv[0], &out, &room)) return NULL;
  int error = to_sockaddr(env, argv[1], argv[2], argv[3], &address, &length);
  if (error == 0 && length > room) error = -EINVAL;
  if (error < 0) return ipc_int(env, error);
  memcpy(out, &address, length);
  return ipc_int(env, (int64_t)length);
}

// socketAddressText(address): an inet address in room for any, as from_sockaddr writes it.
static napi_value socket_address_text(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  uint8_t *at;
  size_t room;
  struct sockaddr_storage address;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_bytes(env, argv[0], &at, &room)) return NULL;
  if (room < sizeof address) return ipc_int(env, -EINVAL);
  memcpy(&address, at, sizeof address);
  return from_sockaddr(env, &address, sizeof(sa_family_t));
}

// ---- making and connecting ----------------------------------------------------------------------

static napi_value socket_open(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int domain, type, protocol;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &domain) || !ipc_get_int(env, argv[1], &type) ||
      !ipc_get_int(env, argv[2], &protocol))
    return NULL;
  return ipc_int(env, ipc_fd_own(env, socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)));
}

typedef int (*address_call)(int fd, const struct sockaddr *address, socklen_t length);

static napi_value with_address(napi_env env, napi_callback_info info, address_call call) {
  napi_value argv[4];
  int fd;
  struct sockaddr_storage address;
  socklen_t length;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  int error = to_sockaddr(env, argv[1], argv[2], argv[3], &address, &length);
  if (error < 0) return ipc_int(env, error);
  int result;
  do result = call(fd, (const struct sockaddr *)&address, length);
  while (result < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(result));
}

// socketBind(fd, family, host, port), socketConnect(…): connect answers -EINPROGRESS or, unix, -EAGAIN.
static napi_value socket_bind(napi_env env, napi_callback_info info) { return with_address(env, info, bind); }
static napi_value socket_connect(napi_env env, napi_callback_info info) { return with_address(env, info, connect); }

static napi_value socket_listen(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd, backlog;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &backlog))
    return NULL;
  return ipc_int(env, ipc_result(listen(fd, backlog)));
}

static napi_value socket_accept(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd, accepted;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  do accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (accepted < 0 && errno == EINTR);
  return ipc_int(env, ipc_fd_own(env, accepted));
}

static napi_value socket_shutdown(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd, how;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &how)) return NULL;
  return ipc_int(env, ipc_result(shutdown(fd, how)));
}

// socketError(fd): SO_ERROR as -errno, 0 where there is none. Reading clears it.
static napi_value socket_error(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd, error = 0;
  socklen_t length = sizeof error;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return ipc_int(env, -errno);
  return ipc_int(env, -error);
}

static napi_value socket_set_option(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, level, name, value;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &level) ||
      !ipc_get_int(env, argv[2], &name) || !ipc_get_int(env, argv[3], &value))
    return NULL;
  return ipc_int(env, ipc_result(setsockopt(fd, level, name, &value, sizeof value)));
}

static napi_value socket_get_option(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd, level, name, value = 0;
  socklen_t length = sizeof value;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &level) ||
      !ipc_get_int(env, argv[2], &name))
    return NULL;
  return ipc_int(env, getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value);
}

// socketCredentials(fd, out: Int32Array(3)): SO_PEERCRED as pid, uid, gid.
static napi_value socket_credentials(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t *out;
  size_t length;
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &out, &length))
    return NULL;
  if (length < 3 * sizeof(int32_t)) return ipc_int(env, -EINVAL);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return ipc_int(env, -errno);
  int32_t values[3] = {peer.pid, (int32_t)peer.uid, (int32_t)peer.gid};
  memcpy(out, values, sizeof values);
  return ipc_int(env, 0);
}

// socketName(fd): the address that it is bound to, as from_sockaddr writes it, or -errno.
static napi_value socket_name(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return ipc_int(env, -errno);
  return from_sockaddr(env, &address, length);
}

// socketPair(type, ends: Int32Array(2)): a connected pair of unix sockets.
static napi_value socket_pair(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int type, fds[2];
  uint8_t *ends;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &type) || !ipc_get_bytes(env, argv[1], &ends, &length))
    return NULL;
  if (length < sizeof fds) return ipc_int(env, -EINVAL);
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) return ipc_int(env, -errno);
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

// ---- multicast groups: ip(7) --------------------------------------------------------------------

// socketMulticast(fd, option, group, interface): IP_ADD_MEMBERSHIP or IP_MULTICAST_IF. Both take an ip_mreqn.
static napi_value socket_multicast(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, option;
  char group[INET_ADDRSTRLEN], interface[INET_ADDRSTRLEN];
  struct ip_mreqn request = {0};
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &option) ||
      !ipc_get_string(env, argv[2], group, sizeof group) || !ipc_get_string(env, argv[3], interface, sizeof interface))
    return NULL;
  if (inet_pton(AF_INET, group, &request.imr_multiaddr) != 1 || inet_pton(AF_INET, interface, &request.imr_address) != 1)
    return ipc_int(env, -EINVAL);
  return ipc_int(env, ipc_result(setsockopt(fd, IPPROTO_IP, option, &request, sizeof request)));
}

// ---- sending and receiving ----------------------------------------------------------------------
//
// MSG_DONTWAIT wherever nobody may wait: O_NONBLOCK belongs to the open file description, and a description
// that came from a peer may still be the peer's as well.

// socketSend(fd, data): one message.
static napi_value socket_send(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t *data;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length))
    return NULL;
  ssize_t n;
  do n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// socketSendTo(fd, data, family, host, port): one datagram to an address.
static napi_value socket_send_to(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int fd;
  uint8_t *data;
  size_t length;
  struct sockaddr_storage address;
  socklen_t size;
  if (!ipc_args(env, info, 5, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length))
    return NULL;
  int error = to_sockaddr(env, argv[2], argv[3], argv[4], &address, &size);
  if (error < 0) return ipc_int(env, error);
  ssize_t n;
  do n = sendto(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, size);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// socketReceiveFrom(fd, target, address): one datagram of an inet socket. Its length, of which `target` may have got less.
static napi_value socket_receive_from(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd;
  uint8_t *target, *address;
  size_t room, address_room;
  struct sockaddr_storage sender = {0};
  socklen_t length = sizeof sender;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &target, &room) ||
      !ipc_get_bytes(env, argv[2], &address, &address_room))
    return NULL;
  if (address_room < sizeof sender) return ipc_int(env, -EINVAL);
  ssize_t n;
  do n = recvfrom(fd, target, room, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sender, &length);
  while (n < 0 && errno == EINTR);
  memcpy(address, &sender, sizeof sender);
  return ipc_int(env, ipc_result(n));
}

// socketGive(fd, data, given: Int32Array(2)): one message with two descriptors attached, which stay the caller's too.
static napi_value socket_give(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd;
  struct iovec part;
  uint8_t *data, *given;
  size_t length;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(2 * sizeof(int))];
  } control = {0};
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) ||
      !ipc_get_bytes(env, argv[1], &data, &part.iov_len) || !ipc_get_bytes(env, argv[2], &given, &length))
    return NULL;
  if (length != 2 * sizeof(int)) return ipc_int(env, -EINVAL);
  part.iov_base = data;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(length), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.header), given, length);
  ssize_t n;
  do n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// Whether `fd` is one end of a socketpair(2) of unix sockets of this type: connected, and with the
// credentials of whoever made it.
static bool is_pair_end(int fd, int type) {
  int domain = 0, kind = 0;
  struct ucred maker = {0};
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX) return false;
  size = sizeof kind;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) < 0 || kind != type) return false;
  size = sizeof maker;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &size) == 0 && maker.pid > 0;
}

// socketTake(fd, data, type, taken: Int32Array(2)): the two descriptors that came with a message of exactly
// these bytes, now ours, the first an end of a socket pair; -EPROTO for any other message, which is
// thrown away with all that is attached.
static napi_value socket_take(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, type, fds[2] = {-1, -1};
  uint8_t *data, *taken, bytes[64];
  size_t length, room;
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof fds)];
  } control;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length) ||
      !ipc_get_int(env, argv[2], &type) || !ipc_get_bytes(env, argv[3], &taken, &room))
    return NULL;
  if (room < sizeof fds) return ipc_int(env, -EINVAL);
  struct iovec part = {bytes, sizeof bytes};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t n;
  do n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return ipc_int(env, -errno);
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  if (rights == NULL || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) return ipc_int(env, -EPROTO);
  if (rights->cmsg_len != CMSG_LEN(sizeof fds)) {
    ipc_close_rights(rights);
    return ipc_int(env, -EPROTO);
  }
  memcpy(fds, CMSG_DATA(rights), sizeof fds);
  if ((size_t)n != length || memcmp(bytes, data, length) != 0 || !is_pair_end(fds[0], type)) {
    ipc_close_rights(rights);
    return ipc_int(env, -EPROTO);
  }
  int first = ipc_fd_own(env, fds[0]), second = ipc_fd_own(env, fds[1]); // out of memory closes them
  if (first < 0 || second < 0) {
    if (first >= 0) ipc_fd_close(env, first);
    if (second >= 0) ipc_fd_close(env, second);
    return ipc_int(env, -ENOMEM);
  }
  memcpy(taken, fds, sizeof fds);
  return ipc_int(env, 0);
}

// socketDiscard(fd): reads away what is there, at most 64 reads, so that closing sends an end and not a
// reset. A zero-length record is told from the end as in native/message.c.
static napi_value socket_discard(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  char sink[65536];
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  struct iovec part = {sink, sizeof sink};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t n;
  int rounds = 64;
  do n = recvmsg(fd, &message, MSG_DONTWAIT);
  while ((n > 0 || (n == 0 && message.msg_flags & MSG_CTRUNC) || (n < 0 && errno == EINTR)) && --rounds > 0);
  return ipc_int(env, 0);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "socketOpen", socket_open);
  ipc_export(env, exports, "socketPair", socket_pair);
  ipc_export(env, exports, "socketBind", socket_bind);
  ipc_export(env, exports, "socketConnect", socket_connect);
  ipc_export(env, exports, "socketListen", socket_listen);
  ipc_export(env, exports, "socketAccept", socket_accept);
  ipc_export(env, exports, "socketShutdown", socket_shutdown);
  ipc_export(env, exports, "socketError", socket_error);
  ipc_export(env, exports, "socketSetOption", socket_set_option);
  ipc_export(env, exports, "socketGetOption", socket_get_option);
  ipc_export(env, exports, "socketMulticast", socket_multicast);
  ipc_export(env, exports, "socketCredentials", socket_credentials);
  ipc_export(env, exports, "socketName", socket_name);
  ipc_export(env, exports, "socketAddress", socket_address);
  ipc_export(env, exports, "socketAddressText", socket_address_text);
  ipc_export(env, exports, "socketSend", socket_send);
  ipc_export(env, exports, "socketSendTo", socket_send_to);
  ipc_export(env, exports, "socketReceiveFrom", socket_receive_from);
  ipc_export(env, exports, "socketGive", socket_give);
  ipc_export(env, exports, "socketTake", socket_take);
  ipc_export(env, exports, "socketDiscard", socket_discard);
}
IPC_MODULE(socket, init)
