// Signals, blocked and taken in order. sigqueue(3), sigwaitinfo(2), signalfd(2)
#include "descriptor.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define WORD_BYTES sizeof(int)

// Of one side.
typedef struct {
  int number;
  sigset_t waited;
  size_t bytes; // of a message
  uint8_t word[WORD_BYTES];
} signals;

// Blocked before there are two sides: none arrives too early.
static void create_signals(floor_end ends[2], int number, size_t bytes) {
  signals *self = floor_allocate(sizeof *self);
  *self = (signals){.number = number, .bytes = bytes};
  sigemptyset(&self->waited);
  sigaddset(&self->waited, number);
  errno = pthread_sigmask(SIG_BLOCK, &self->waited, NULL);
  floor_check(errno == 0 ? 0 : -1, "pthread_sigmask");
  ends[FLOOR_PING].state = ends[FLOOR_PONG].state = self; // a copy in each process
}

static void realtime_create(floor_end ends[2]) { create_signals(ends, SIGRTMIN + 6, WORD_BYTES); }
static void standard_create(floor_end ends[2]) { create_signals(ends, SIGUSR2, 0); }

static void signal_open(floor_end *end) {
  const signals *self = end->state;
  if (end->order->wait == FLOOR_POLL)
    end->in = (int)floor_check(signalfd(-1, &self->waited, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

static void signal_close(floor_end *end) { free(end->state); }

static void realtime_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  const signals *self = end->state;
  union sigval value = {0};
  memcpy(&value.sival_int, data, length);
  while (sigqueue(end->peer, self->number, value) < 0) {
    // RLIMIT_SIGPENDING signals are queued, and nothing announces room.
    if (errno != EAGAIN) floor_check(-1, "sigqueue");
    sched_yield();
  }
}

static void standard_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)data, (void)length, (void)more;
  floor_check(kill(end->peer, ((const signals *)end->state)->number), "kill");
}

static ssize_t take_from_descriptor(signals *self, floor_end *end, bool wait) {
  struct signalfd_siginfo info;
  ssize_t n = descriptor_receive(end, read, &info, sizeof info, wait);
  if (n < 0) return n;
  memcpy(self->word, &info.ssi_int, WORD_BYTES);
  return (ssize_t)self->bytes;
}

static ssize_t signal_receive(floor_end *end, const uint8_t **data, bool wait) {
  signals *self = end->state;
  *data = self->word;
  if (end->in >= 0) return take_from_descriptor(self, end, wait);
  static const struct timespec now = {0, 0};
  siginfo_t info;
  int number;
  do number = wait ? sigwaitinfo(&self->waited, &info) : sigtimedwait(&self->waited, &info, &now);
  while (number < 0 && errno == EINTR);
  if (number < 0 && errno == EAGAIN) return FLOOR_NOTHING;
  floor_check(number, "sigwaitinfo");
  memcpy(self->word, &info.si_value.sival_int, WORD_BYTES);
  return (ssize_t)self->bytes;
}

const floor_variant floor_variants[] = {
    {.variant = "realtime", .least = WORD_BYTES, .most = WORD_BYTES, .create = realtime_create, .open = signal_open, .send = realtime_send, .receive = signal_receive, .close = signal_close},
    {.variant = "standard", .coalesces = true, .create = standard_create, .open = signal_open, .send = standard_send, .receive = signal_receive, .close = signal_close},
    {.variant = NULL},
};
