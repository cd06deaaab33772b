// Two semaphores to a channel: a message is a token, without bytes. sem_overview(7), semop(2), futex(2)
#include "bell.h"
#include "helper.h"
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

// Every variant has its tokens for side i at index i, and one thread that helps its event loop.
typedef struct {
  sem_t *posix[2];
  int set;
  helper *helper;
} semaphores;

static void open_helper(floor_end *end, helper_take take) {
  semaphores *self = end->state;
  if (end->order->wait == FLOOR_POLL) self->helper = helper_start(end, take, 0);
}

static void close_helper(const floor_end *end) {
  const semaphores *self = end->state;
  if (self->helper != NULL) helper_stop(self->helper);
}

// ---- POSIX ----------------------------------------------------------------------------------------

static sem_t *open_posix(int number) {
  char name[64];
  snprintf(name, sizeof name, "/ipc-floor-%d.%d", (int)getpid(), number);
  sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  if (semaphore == SEM_FAILED) floor_check(-1, "sem_open");
  floor_check(sem_unlink(name), "sem_unlink");
  return semaphore;
}

static void posix_create(floor_end ends[2]) {
  semaphores *self = floor_allocate(sizeof *self);
  for (int i = 0; i < 2; i++) {
    self->posix[i] = open_posix(i);
    ends[i].state = self; // a copy in each process
  }
}

static ssize_t posix_take(const floor_end *end, void *to) {
  (void)to;
  const semaphores *self = end->state;
  int result;
  do result = sem_wait(self->posix[end->side]);
  while (result < 0 && errno == EINTR);
  return floor_check(result, "sem_wait");
}

static void posix_open(floor_end *end) { open_helper(end, posix_take); }

static void posix_close(floor_end *end) {
  semaphores *self = end->state;
  close_helper(end);
  for (int i = 1; i >= 0; i--) floor_check(sem_close(self->posix[i]), "sem_close");
  free(self);
}

static void posix_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)data, (void)length, (void)more;
  const semaphores *self = end->state;
  floor_check(sem_post(self->posix[1 - end->side]), "sem_post");
}

static ssize_t posix_receive(floor_end *end, const uint8_t **data, bool wait) {
  const semaphores *self = end->state;
  *data = NULL;
  if (self->helper != NULL) return helper_receive(self->helper, end, data, wait);
  if (wait) return posix_take(end, NULL);
  if (sem_trywait(self->posix[end->side]) == 0) return 0;
  return errno == EAGAIN || errno == EINTR ? FLOOR_NOTHING : floor_check(-1, "sem_trywait");
}

// ---- System V: a set of two -----------------------------------------------------------------------

static void remove_set(int id) { semctl(id, 0, IPC_RMID); }

static void sysv_create(floor_end ends[2]) {
  semaphores *self = floor_allocate(sizeof *self);
  self->set = (int)floor_check(semget(IPC_PRIVATE, 2, 0600), "semget"); // both are 0 on Linux
  floor_guard(remove_set, self->set);
  for (int i = 0; i < 2; i++) ends[i].state = self;
}

static ssize_t operate(int set, int index, short change, short flags) {
  struct sembuf operation = {(unsigned short)index, change, flags};
  int result;
  do result = semop(set, &operation, 1);
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno == EAGAIN) return FLOOR_NOTHING;
  return floor_check(result, "semop");
}

static ssize_t sysv_take(const floor_end *end, void *to) {
  (void)to;
  return operate(((const semaphores *)end->state)->set, end->side, -1, 0);
}

static void sysv_open(floor_end *end) { open_helper(end, sysv_take); }

static void sysv_close(floor_end *end) {
  close_helper(end);
  free(end->state);
}

static void sysv_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)data, (void)length, (void)more;
  operate(((const semaphores *)end->state)->set, 1 - end->side, 1, 0);
}

static ssize_t sysv_receive(floor_end *end, const uint8_t **data, bool wait) {
  const semaphores *self = end->state;
  *data = NULL;
  if (self->helper != NULL) return helper_receive(self->helper, end, data, wait);
  return operate(self->set, end->side, -1, wait ? 0 : IPC_NOWAIT);
}

// ---- counters in shared memory ----------------------------------------------------------------------

typedef struct {
  bell bells[2];
  struct {
    _Alignas(128) _Atomic uint32_t tokens;
  } sides[2];
} counters;

static void atomics_create(floor_end ends[2]) {
  void *memory = mmap(NULL, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) floor_check(-1, "mmap");
  counters *self = memory;
  for (int i = 0; i < 2; i++) {
    bell_create(&self->bells[i], ends[i].order, false);
    ends[i].state = self;
  }
}

static void atomics_open(floor_end *end) { bell_open(&((counters *)end->state)->bells[end->side], end); }

static void atomics_close(floor_end *end) {
  counters *self = end->state;
  for (int i = 1; i >= 0; i--) bell_close(&self->bells[i]);
  floor_check(munmap(self, sizeof *self), "munmap");
}

static void atomics_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)data, (void)length, (void)more;
  counters *self = end->state;
  atomic_fetch_add(&self->sides[1 - end->side].tokens, 1);
  bell_ring(&self->bells[1 - end->side]);
}

static bool has_token(const void *tokens) { return atomic_load((_Atomic uint32_t *)tokens) > 0; }

static ssize_t atomics_receive(floor_end *end, const uint8_t **data, bool wait) {
  counters *self = end->state;
  _Atomic uint32_t *tokens = &self->sides[end->side].tokens;
  *data = NULL;
  while (!has_token(tokens)) {
    if (!wait) return FLOOR_NOTHING;
    bell_sleep(&self->bells[end->side], end, has_token, tokens);
  }
  atomic_fetch_sub(tokens, 1); // this side alone takes
  return 0;
}

const floor_variant floor_variants[] = {
    {.variant = "posix", .create = posix_create, .open = posix_open, .send = posix_send, .receive = posix_receive, .close = posix_close},
    {.variant = "sysv", .create = sysv_create, .open = sysv_open, .send = sysv_send, .receive = sysv_receive, .close = sysv_close},
    {.variant = "atomics", .create = atomics_create, .open = atomics_open, .send = atomics_send, .receive = atomics_receive, .close = atomics_close},
    {.variant = NULL},
};
