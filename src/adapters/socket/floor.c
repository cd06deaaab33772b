// Sockets: streams with a frame a message, sequenced packets and datagrams with a system call a message.
#include "descriptor.h"
#include "stream.h"
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif

// As the adapters: what the kernel gives of it is enough.
#define SEND_BUFFER 212992
#define RECEIVE_BUFFER (4 * 1024 * 1024)
#define MOST_UNIX (128 * 1024)
#define MOST_DATAGRAM 65507 // 65535 less the headers of IPv4 and UDP

static void set_option(int fd, int level, int name, int value) {
  floor_check(setsockopt(fd, level, name, &value, sizeof value), "setsockopt");
}

static int open_socket(int domain, int type) { return (int)floor_check(socket(domain, type | SOCK_CLOEXEC, 0), "socket"); }

static struct sockaddr_in loopback(void) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in address_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  floor_check(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
  return address;
}

static void bind_inet(int fd, struct sockaddr_in address) {
  floor_check(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
}

static void connect_inet(int fd, struct sockaddr_in address) {
  floor_check(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
}

static void give(floor_end *end, int fd) { end->in = end->out = fd; }

// ---- streams ------------------------------------------------------------------------------------

// A connection that waits in the backlog needs nobody who accepts it yet.
static int accept_one(int listening) {
  int accepted = (int)floor_check(accept4(listening, NULL, NULL, SOCK_CLOEXEC), "accept");
  floor_check(close(listening), "close");
  return accepted;
}

// An abstract name that the kernel chooses, and that goes with the listening socket. unix(7), "autobind"
static void connect_unix(floor_end ends[2], int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof address;
  int listening = open_socket(AF_UNIX, type), connecting = open_socket(AF_UNIX, type);
  floor_check(bind(listening, (struct sockaddr *)&address, sizeof address.sun_family), "bind");
  floor_check(listen(listening, 1), "listen");
  floor_check(getsockname(listening, (struct sockaddr *)&address, &length), "getsockname");
  floor_check(connect(connecting, (struct sockaddr *)&address, length), "connect");
  give(&ends[FLOOR_PONG], connecting);
  give(&ends[FLOOR_PING], accept_one(listening));
}

static void unix_create(floor_end ends[2]) { connect_unix(ends, SOCK_STREAM); }

static void tcp_create(floor_end ends[2]) {
  int listening = open_socket(AF_INET, SOCK_STREAM), connecting = open_socket(AF_INET, SOCK_STREAM);
  bind_inet(listening, loopback());
  floor_check(listen(listening, 1), "listen");
  connect_inet(connecting, address_of(listening));
  int accepted = accept_one(listening);
  set_option(connecting, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(accepted, IPPROTO_TCP, TCP_NODELAY, 1);
  give(&ends[FLOOR_PONG], connecting);
  give(&ends[FLOOR_PING], accepted);
}

// ---- one system call a message ------------------------------------------------------------------

static void seqpacket_create(floor_end ends[2]) {
  connect_unix(ends, SOCK_SEQPACKET);
  for (int side = 0; side < 2; side++) set_option(ends[side].out, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
}

static void unix_dgram_create(floor_end ends[2]) {
  int pair[2];
  floor_check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  for (int side = 0; side < 2; side++) {
    set_option(pair[side], SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
    give(&ends[side], pair[side]);
  }
}

static void udp_create(floor_end ends[2]) {
  int fds[2] = {open_socket(AF_INET, SOCK_DGRAM), open_socket(AF_INET, SOCK_DGRAM)};
  for (int side = 0; side < 2; side++) {
    set_option(fds[side], SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    bind_inet(fds[side], loopback());
    give(&ends[side], fds[side]);
  }
  connect_inet(fds[0], address_of(fds[1]));
  connect_inet(fds[1], address_of(fds[0]));
}

static void message_open(floor_end *end) {
  descriptor_set_timeout(end);
  end->state = floor_allocate(floor_longest(end->order));
}

static void message_close(floor_end *end) { free(end->state); }

static ssize_t put(int fd, const void *from, size_t length) { return send(fd, from, length, MSG_NOSIGNAL); }

static void message_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  descriptor_send(end, put, data, length);
}

// MSG_TRUNC: the length of the message even where it is more than there is room for.
static ssize_t take(int fd, void *to, size_t room) { return recv(fd, to, room, MSG_TRUNC); }

static ssize_t message_receive(floor_end *end, const uint8_t **data, bool wait) {
  *data = end->state;
  return descriptor_receive(end, take, end->state, floor_longest(end->order), wait);
}

// ---- multicast: ip(7) ---------------------------------------------------------------------------

// A member hears what it sends itself, too.
typedef struct {
  struct sockaddr_in own;
  uint8_t bytes[];
} membership;

static void join_group(floor_end *end, struct sockaddr_in group) {
  struct ip_mreqn request = {.imr_multiaddr = group.sin_addr, .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
  end->in = open_socket(AF_INET, SOCK_DGRAM);
  set_option(end->in, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(end->in, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  set_option(end->in, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  bind_inet(end->in, group);
  floor_check(setsockopt(end->in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), "setsockopt");
  request.imr_multiaddr.s_addr = 0;
  end->out = open_socket(AF_INET, SOCK_DGRAM);
  floor_check(setsockopt(end->out, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request), "setsockopt");
  connect_inet(end->out, group);
}

// A port that is free on loopback, so that nobody else is likely to be in the group with it.
static void multicast_create(floor_end ends[2]) {
  int claim = open_socket(AF_INET, SOCK_DGRAM);
  bind_inet(claim, loopback());
  struct sockaddr_in group = address_of(claim);
  floor_check(inet_pton(AF_INET, "239.255.74.1", &group.sin_addr), "inet_pton");
  join_group(&ends[FLOOR_PING], group);
  join_group(&ends[FLOOR_PONG], group);
  floor_check(close(claim), "close");
}

static void multicast_open(floor_end *end) {
  descriptor_set_timeout(end);
  membership *self = floor_allocate(sizeof *self + floor_longest(end->order));
  self->own = address_of(end->out);
  end->state = self;
}

// As recvfrom(2): the sender's address stays at the head of the state.
static ssize_t take_from(int fd, void *to, size_t room) {
  struct sockaddr_in *sender = to;
  socklen_t length = sizeof *sender;
  return recvfrom(fd, sender + 1, room - sizeof *sender, MSG_TRUNC, (struct sockaddr *)sender, &length);
}

static ssize_t multicast_receive(floor_end *end, const uint8_t **data, bool wait) {
  membership *self = end->state;
  size_t room = sizeof(struct sockaddr_in) + floor_longest(end->order);
  struct sockaddr_in own = self->own, *sender = &self->own;
  ssize_t n;
  do n = descriptor_receive(end, take_from, self, room, wait);
  while (n >= 0 && sender->sin_port == own.sin_port && sender->sin_addr.s_addr == own.sin_addr.s_addr);
  self->own = own;
  *data = self->bytes;
  return n;
}

const floor_variant floor_variants[] = {
    {.variant = "unix", .most = INT_MAX, .create = unix_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "node-ipc", .most = INT_MAX, .create = unix_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "tcp", .most = INT_MAX, .create = tcp_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "unix-seqpacket", .most = MOST_UNIX, .create = seqpacket_create, .open = message_open, .send = message_send, .receive = message_receive, .close = message_close},
    {.variant = "unix-dgram", .most = MOST_UNIX, .create = unix_dgram_create, .open = message_open, .send = message_send, .receive = message_receive, .close = message_close},
    {.variant = "udp", .most = MOST_DATAGRAM, .create = udp_create, .open = message_open, .send = message_send, .receive = message_receive, .close = message_close},
    {.variant = "multicast", .most = MOST_DATAGRAM, .create = multicast_create, .open = multicast_open, .send = message_send, .receive = multicast_receive, .close = message_close},
    {.variant = NULL},
};
