#include "bell.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

void bell_create(bell *self, const floor_order *order, bool private) {
  atomic_init(&self->asleep, 0);
  self->private = private;
  self->event_fd = order->wait == FLOOR_POLL ? (int)floor_check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd") : -1;
}

void bell_close(bell *self) {
  if (self->event_fd >= 0) floor_check(close(self->event_fd), "close");
}

void bell_open(const bell *self, floor_end *end) {
  if (self->event_fd >= 0) end->in = (int)floor_check(fcntl(self->event_fd, F_DUPFD_CLOEXEC, 0), "fcntl");
}

static long futex(bell *self, int operation, uint32_t value) {
  return syscall(SYS_futex, &self->asleep, operation | (self->private ? FUTEX_PRIVATE_FLAG : 0), value, NULL, NULL, 0);
}

static void sleep_on_futex(bell *self) {
  if (futex(self, FUTEX_WAIT, 1) < 0 && errno != EAGAIN && errno != EINTR) floor_check(-1, "futex");
}

static void sleep_on_event(bell *self, const floor_end *end) {
  struct epoll_event event;
  uint64_t count;
  int n;
  do n = epoll_wait(end->epoll, &event, 1, -1);
  while (n < 0 && errno == EINTR);
  floor_check(n, "epoll_wait");
  floor_check(read(self->event_fd, &count, sizeof count), "read");
}

void bell_sleep(bell *self, const floor_end *end, bool (*ready)(const void *arg), const void *arg) {
  atomic_store(&self->asleep, 1);
  if (!ready(arg)) {
    if (self->event_fd >= 0) sleep_on_event(self, end);
    else sleep_on_futex(self);
  }
  atomic_store_explicit(&self->asleep, 0, memory_order_relaxed);
}

void bell_wake(bell *self) {
  const uint64_t one = 1;
  if (atomic_exchange(&self->asleep, 0) == 0) return;
  if (self->event_fd >= 0) floor_check(write(self->event_fd, &one, sizeof one), "write");
  else floor_check(futex(self, FUTEX_WAKE, 1), "futex");
}
