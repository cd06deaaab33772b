// Waiting on descriptors: in a blocking call, or where they are non-blocking by poll(2) or epoll(7).
#pragma once
#include "floor.h"

// One system call each: bytes, or -1 and errno.
typedef ssize_t (*descriptor_take)(int fd, void *to, size_t room);
typedef ssize_t (*descriptor_put)(int fd, const void *from, size_t length);

// False after end->timeout_ms.
bool descriptor_readable(floor_end *end);
void descriptor_writable(const floor_end *end);
// For blocking sockets: they wait for end->timeout_ms themselves.
void descriptor_set_timeout(const floor_end *end);

// An event loop asks before it reads where nothing can be there yet: in a closed loop of one message.
static inline bool descriptor_asks_first(const floor_end *end) {
  return end->order->wait == FLOOR_POLL && !end->order->throughput;
}

// As floor_variant.receive, of bytes: their number, 0 for the end of a stream.
static inline ssize_t descriptor_receive(floor_end *end, descriptor_take take, void *to, size_t room, bool wait) {
  bool ask = wait && descriptor_asks_first(end);
  for (;;) {
    if (ask && !descriptor_readable(end)) return FLOOR_NOTHING;
    ssize_t n = take(end->in, to, room);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) floor_check(n, "receive");
    if (!wait || end->order->wait == FLOOR_BLOCK) return FLOOR_NOTHING; // of a blocking one: its timeout
    ask = true;
  }
}

// As floor_variant.send, of one message in one call.
static inline void descriptor_send(const floor_end *end, descriptor_put put, const void *from, size_t length) {
  while (put(end->out, from, length) < 0) {
    if (errno == EAGAIN) descriptor_writable(end);
    else if (errno != EINTR) floor_check(-1, "send");
  }
}
