#pragma once
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests to the kernel and their completions, in memory that it shares. io_uring(7), by its raw system calls. */
typedef struct {
  int fd;
  uint8_t *shared;
  size_t shared_length;
  struct io_uring_sqe *requests;
  struct io_uring_params params;
  unsigned unsubmitted;
} ring;

/* -1 with errno where the kernel has none, or lets this process have none. */
long ring_open(ring *made, unsigned entries);
void ring_close(ring *of);
/* Writes a request; the kernel learns of it with ring_enter. There are never more than `entries`. */
void ring_push(ring *to, uint8_t operation, uint8_t flags, int fd, void *data, uint32_t length);
/* One system call: submits what was pushed, and waits for so many completions. */
long ring_enter(ring *at, unsigned completions);
/* The oldest completion that was not taken: of which operation, and what it answered (an error as a negative number). */
bool ring_take(ring *from, uint8_t *operation, int *result);
