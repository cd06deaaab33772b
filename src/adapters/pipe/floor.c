// Two pipes, one a direction. pipe(7)
#include "descriptor.h"
#include "stream.h"
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static void connect_pipes(floor_end ends[2], int flags) {
  int there[2], back[2];
  floor_check(pipe2(there, flags | O_CLOEXEC), "pipe2");
  floor_check(pipe2(back, flags | O_CLOEXEC), "pipe2");
  ends[FLOOR_PING].in = back[0];
  ends[FLOOR_PING].out = there[1];
  ends[FLOOR_PONG].in = there[0];
  ends[FLOOR_PONG].out = back[1];
}

static void stream_create(floor_end ends[2]) { connect_pipes(ends, 0); }

// ---- packet mode: one write is one read ---------------------------------------------------------

static void packet_create(floor_end ends[2]) { connect_pipes(ends, O_DIRECT); }

static void packet_open(floor_end *end) { end->state = floor_allocate(PIPE_BUF); }

static void packet_close(floor_end *end) { free(end->state); }

static void packet_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  descriptor_send(end, write, data, length);
}

static ssize_t packet_receive(floor_end *end, const uint8_t **data, bool wait) {
  ssize_t n = descriptor_receive(end, read, end->state, PIPE_BUF, wait);
  *data = end->state;
  return n == 0 ? FLOOR_END : n;
}

const floor_variant floor_variants[] = {
    {.variant = "anonymous", .most = INT_MAX, .create = stream_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "stdio", .most = INT_MAX, .create = stream_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "packet", .least = 1, .most = PIPE_BUF, .create = packet_create, .open = packet_open, .send = packet_send, .receive = packet_receive, .close = packet_close},
    {.variant = NULL},
};
