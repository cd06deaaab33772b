// Sleeping on shared memory. Each side has a bell: who is about to sleep sets `asleep`, looks once more, and
// sleeps; who has changed something looks at `asleep` and wakes the sleeper, if there is one. All of that is
// sequentially consistent, so that no wake-up is lost. An event loop sleeps on an eventfd, else a futex.
#pragma once
#include "floor.h"
#include <stdatomic.h>

typedef struct {
  _Alignas(128) _Atomic uint32_t asleep; // in memory of both sides
  int event_fd;                          // -1: a futex
  bool private;                          // a futex between threads of one process
} bell;

// Before there are two sides.
void bell_create(bell *self, const floor_order *order, bool private);
// When both sides are gone, or only this one is left.
void bell_close(bell *self);
// On the side that sleeps: its event loop watches the bell.
void bell_open(const bell *self, floor_end *end);
// Sleeps until the bell rings, perhaps for nothing, unless `ready(arg)`.
void bell_sleep(bell *self, const floor_end *end, bool (*ready)(const void *arg), const void *arg);
void bell_wake(bell *self);

// After a sequentially consistent store.
static inline void bell_ring(bell *self) {
  if (atomic_load(&self->asleep) != 0) bell_wake(self);
}
