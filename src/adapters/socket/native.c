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

// ---- sending and receiving ----------------------------------------------------------------------

static napi_value socket_send(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t *data;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length))
    return NULL;
  ssize_t n;
  do n = send(fd, data, length, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// socketDiscard(fd): reads away what is there, at most 4 MiB, so that closing sends an end and not a reset.
static napi_value socket_discard(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  char sink[65536];
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  ssize_t n;
  int rounds = 64;
  do n = recv(fd, sink, sizeof sink, MSG_DONTWAIT);
  while ((n > 0 || (n < 0 && errno == EINTR)) && --rounds > 0);
  return ipc_int(env, 0);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "socketOpen", socket_open);
  ipc_export(env, exports, "socketBind", socket_bind);
  ipc_export(env, exports, "socketConnect", socket_connect);
  ipc_export(env, exports, "socketListen", socket_listen);
  ipc_export(env, exports, "socketAccept", socket_accept);
  ipc_export(env, exports, "socketShutdown", socket_shutdown);
  ipc_export(env, exports, "socketError", socket_error);
  ipc_export(env, exports, "socketSetOption", socket_set_option);
  ipc_export(env, exports, "socketGetOption", socket_get_option);
  ipc_export(env, exports, "socketCredentials", socket_credentials);
  ipc_export(env, exports, "socketName", socket_name);
  ipc_export(env, exports, "socketSend", socket_send);
  ipc_export(env, exports, "socketDiscard", socket_discard);
}
IPC_MODULE(socket, init)
