#include "descriptor.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

bool descriptor_readable(floor_end *end) {
  struct epoll_event event;
  struct pollfd waited = {end->in, POLLIN, 0};
  int n;
  do n = end->epoll >= 0 ? epoll_wait(end->epoll, &event, 1, end->timeout_ms) : poll(&waited, 1, end->timeout_ms);
  while (n < 0 && errno == EINTR);
  return floor_check(n, "poll") > 0;
}

void descriptor_writable(const floor_end *end) {
  struct pollfd waited = {end->out, POLLOUT, 0};
  int n;
  do n = poll(&waited, 1, -1);
  while (n < 0 && errno == EINTR);
  floor_check(n, "poll");
}

void descriptor_set_timeout(const floor_end *end) {
  if (end->order->wait != FLOOR_BLOCK || end->timeout_ms < 0) return;
  struct timeval limit = {end->timeout_ms / 1000, end->timeout_ms % 1000 * 1000};
  floor_check(setsockopt(end->in, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
}
