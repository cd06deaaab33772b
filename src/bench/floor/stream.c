#include "stream.h"
#include "descriptor.h"
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEADER 4
#define BUFFER_BYTES 65536

// bytes[start .. stop) were read and not yet handed over.
typedef struct {
  size_t longest, size, start, stop;
  uint8_t bytes[];
} buffer;

void stream_open(floor_end *end) {
  size_t longest = floor_longest(end->order);
  size_t size = HEADER + longest > BUFFER_BYTES ? HEADER + longest : BUFFER_BYTES;
  buffer *self = floor_allocate(sizeof *self + size);
  self->longest = longest;
  self->size = size;
  end->state = self;
}

void stream_close(floor_end *end) { free(end->state); }

void stream_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  uint32_t header = (uint32_t)length;
  struct iovec parts[2] = {{&header, HEADER}, {(void *)data, length}};
  struct iovec *left = parts;
  while (left < parts + 2) {
    ssize_t n = writev(end->out, left, (int)(parts + 2 - left));
    if (n < 0 && errno == EAGAIN) descriptor_writable(end);
    else if (n < 0 && errno != EINTR) floor_check(n, "writev");
    if (n < 0) continue;
    for (; left < parts + 2 && (size_t)n >= left->iov_len; left++) n -= (ssize_t)left->iov_len;
    if (left < parts + 2) *left = (struct iovec){(uint8_t *)left->iov_base + n, left->iov_len - (size_t)n};
  }
}

// The next message, where all of it was read.
static inline ssize_t cut(buffer *self, const uint8_t **data) {
  uint32_t length;
  size_t have = self->stop - self->start;
  if (have < HEADER) return FLOOR_NOTHING;
  memcpy(&length, self->bytes + self->start, HEADER);
  if (length > self->longest) floor_fail("a message of %u bytes was announced", length);
  if (have < HEADER + length) return FLOOR_NOTHING;
  *data = self->bytes + self->start + HEADER;
  self->start += HEADER + length;
  return (ssize_t)length;
}

// Room to read into, behind what is there.
static void make_room(buffer *self) {
  if (self->start > 0 && (self->start == self->stop || self->start + HEADER + self->longest > self->size)) {
    memmove(self->bytes, self->bytes + self->start, self->stop - self->start);
    self->stop -= self->start;
    self->start = 0;
  }
}

ssize_t stream_receive(floor_end *end, const uint8_t **data, bool wait) {
  buffer *self = end->state;
  for (;;) {
    ssize_t length = cut(self, data);
    if (length >= 0) return length;
    make_room(self);
    ssize_t n = descriptor_receive(end, read, self->bytes + self->stop, self->size - self->stop, wait);
    if (n < 0) return n;
    if (n == 0) return FLOOR_END;
    self->stop += (size_t)n;
  }
}
