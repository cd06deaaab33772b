#include "helper.h"
#include "bell.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64

struct helper {
  pthread_t thread;
  bell filled, freed; // for the loop, for the thread
  _Alignas(128) _Atomic uint32_t head;
  _Alignas(128) _Atomic uint32_t tail;
  const floor_end *end;
  helper_take take;
  size_t room;
  ssize_t lengths[SLOTS];
  bool held; // the message at `tail` is with the loop
  uint8_t *slots;
};

static bool has_message(const void *arg) {
  const helper *self = arg;
  return atomic_load(&((helper *)self)->head) != atomic_load(&((helper *)self)->tail);
}

static bool has_slot(const void *arg) {
  const helper *self = arg;
  return atomic_load(&((helper *)self)->head) - atomic_load(&((helper *)self)->tail) < SLOTS;
}

static void *helper_main(void *arg) {
  helper *self = arg;
  // It waits in calls that are no cancellation points, such as semop(2), and holds nothing meanwhile.
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &(int){0});
  for (uint32_t at = 0;; at++) {
    while (!has_slot(self)) bell_sleep(&self->freed, self->end, has_slot, self);
    self->lengths[at % SLOTS] = self->take(self->end, self->slots + at % SLOTS * self->room);
    atomic_store(&self->head, at + 1);
    bell_ring(&self->filled);
  }
  return NULL;
}

helper *helper_start(floor_end *end, helper_take take, size_t room) {
  static const floor_order blocking = {.wait = FLOOR_BLOCK};
  helper *self = aligned_alloc(_Alignof(helper), sizeof *self);
  if (self == NULL) floor_fail("no memory");
  memset(self, 0, sizeof *self);
  self->end = end;
  self->take = take;
  self->room = room;
  self->slots = floor_allocate(SLOTS * room);
  bell_create(&self->filled, end->order, true);
  bell_create(&self->freed, &blocking, true);
  bell_open(&self->filled, end);
  int error = pthread_create(&self->thread, NULL, helper_main, self);
  if (error != 0) floor_fail("pthread_create: %s", strerror(error));
  return self;
}

void helper_stop(helper *self) {
  floor_stop_thread(self->thread);
  bell_close(&self->freed);
  bell_close(&self->filled);
  free(self->slots);
  free(self);
}

static void release(helper *self) {
  self->held = false;
  atomic_fetch_add(&self->tail, 1);
  bell_ring(&self->freed);
}

ssize_t helper_receive(helper *self, const floor_end *end, const uint8_t **data, bool wait) {
  if (self->held) release(self);
  while (!has_message(self)) {
    if (!wait) return FLOOR_NOTHING;
    bell_sleep(&self->filled, end, has_message, self);
  }
  uint32_t at = atomic_load(&self->tail) % SLOTS;
  self->held = true;
  *data = self->slots + at * self->room;
  return self->lengths[at];
}
