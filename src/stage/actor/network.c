/* Interfaces of the network namespace that the process is in, and a wire between two of them. */
#include "actor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PACKET = 65536 };

static struct ifreq named(const char *name) {
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  return request;
}

/* tun_open(name): a new point-to-point interface, whose packets the descriptor answers and takes. */
static long do_tun_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -1;
  struct ifreq request = named(arg_text(args, 0));
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(fd, TUNSETIFF, &request) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static long set_address(int fd, unsigned long request_number, const char *name, const char *text) {
  struct ifreq request = named(name);
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) return from_error(EINVAL);
  memcpy(&request.ifr_addr, &address, sizeof address);
  return ioctl(fd, request_number, &request);
}

/* interface_address(name, address, netmask). netdevice(7) */
static long do_interface_address(const actor_args *args, actor_reply *reply) {
  (void)reply;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  long result = set_address(fd, SIOCSIFADDR, arg_text(args, 0), arg_text(args, 1));
  if (result == 0) result = set_address(fd, SIOCSIFNETMASK, arg_text(args, 0), arg_text(args, 2));
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

/* interface_without_offload(name): the kernel itself checksums and segments what it sends. ETHTOOL_STXCSUM */
static long do_interface_without_offload(const actor_args *args, actor_reply *reply) {
  (void)reply;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM};
  struct ifreq request = named(arg_text(args, 0));
  request.ifr_data = (void *)&off;
  long result = ioctl(fd, SIOCETHTOOL, &request);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long pass(int from, int to) {
  char *packet = scratch(MAX_PACKET);
  ssize_t length = read(from, packet, MAX_PACKET);
  if (length < 0) return errno == EINTR ? 0 : -1;
  // A host whose interface is down takes nothing: what is on the wire then is lost.
  return write(to, packet, (size_t)length) < 0 && errno != EIO ? -1 : 0;
}

/* wire(first, second): passes the packets of two interfaces to each other, and returns when one fails. */
static long do_wire(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct pollfd ends[] = {{.fd = (int)arg_number(args, 0), .events = POLLIN}, {.fd = (int)arg_number(args, 1), .events = POLLIN}};
  for (;;) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) return -1;
    for (int at = 0; at < 2; at++)
      if (ends[at].revents != 0 && pass(ends[at].fd, ends[1 - at].fd) < 0) return -1;
  }
}

ACTOR_CALLS(network, {"tun_open", do_tun_open}, {"interface_address", do_interface_address},
            {"interface_without_offload", do_interface_without_offload}, {"wire", do_wire})
