// Two rings in one piece of memory, one a direction, each with one sender and one receiver. Messages are copied
// in and out. The sender publishes its head every 32 messages or an eighth of the ring while more follow
// at once, the receiver gives back an eighth of the ring at a time, or all of it before it waits: a line that
// goes to and fro with every message costs more than the message.
#include "bell.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define RING_BYTES (1 << 20)
#define SHARE_BYTES (RING_BYTES / 8)
#define SHARE_MESSAGES 32
#define RECORD_HEADER 8
#define SKIP UINT32_MAX // the record is at the beginning of the ring

// Every index has a line of its own, with the one that the processor fetches along.
typedef struct {
  _Alignas(128) _Atomic uint32_t head; // bytes published
  _Alignas(128) _Atomic uint32_t tail; // bytes given back
  _Alignas(128) uint8_t bytes[RING_BYTES];
} ring;

typedef struct {
  bell bells[2];
  ring rings[2]; // into which each side sends
} segment;

// One side: its own view of both rings.
typedef struct {
  segment *memory;
  bell *own, *peers;
  ring *out, *in;
  uint32_t written, published, room_until; // of `out`: the peer has given back room_until - RING_BYTES
  uint32_t unpublished;                    // messages
  uint32_t read, given_back, seen;         // of `in`
  uint32_t wanted;
  uint8_t *message;
} side;

// ---- the memory ---------------------------------------------------------------------------------

static segment *map(int fd) {
  void *memory = mmap(NULL, sizeof(segment), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) floor_check(-1, "mmap");
  floor_check(close(fd), "close");
  return memory;
}

static int with_pages(int fd) {
  errno = posix_fallocate(fd, 0, sizeof(segment));
  floor_check(errno == 0 ? 0 : -1, "posix_fallocate");
  return fd;
}

static void share(floor_end ends[2], segment *memory, bool threads) {
  for (int i = 0; i < 2; i++) {
    bell_create(&memory->bells[i], ends[i].order, threads);
    ends[i].state = memory;
  }
}

static void memfd_create_(floor_end ends[2]) {
  int fd = with_pages((int)floor_check(memfd_create("floor", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  floor_check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "fcntl");
  share(ends, map(fd), false);
}

static void posix_create(floor_end ends[2]) {
  char name[64];
  snprintf(name, sizeof name, "/ipc-floor-%d", (int)getpid());
  int fd = (int)floor_check(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), "shm_open");
  floor_check(shm_unlink(name), "shm_unlink");
  share(ends, map(with_pages(fd)), false);
}

static void file_create(floor_end ends[2]) {
  const char *base = getenv("TMPDIR");
  char path[200];
  snprintf(path, sizeof path, "%s/ipc-floor-XXXXXX", base == NULL ? "/tmp" : base);
  int fd = (int)floor_check(mkostemp(path, O_CLOEXEC), "mkostemp");
  floor_check(unlink(path), "unlink");
  share(ends, map(with_pages(fd)), false);
}

// Marked as removed at once, it goes with its last user. shmctl(2)
static void sysv_create(floor_end ends[2]) {
  int id = (int)floor_check(shmget(IPC_PRIVATE, sizeof(segment), 0600), "shmget");
  void *memory = shmat(id, NULL, 0);
  int error = errno;
  floor_check(shmctl(id, IPC_RMID, NULL), "shmctl");
  errno = error;
  if (memory == (void *)-1) floor_check(-1, "shmat");
  share(ends, memory, false);
}

static void thread_create(floor_end ends[2]) {
  segment *memory = aligned_alloc(_Alignof(segment), sizeof *memory);
  if (memory == NULL) floor_fail("no memory");
  memset(memory, 0, sizeof *memory);
  share(ends, memory, true);
}

static void side_open(floor_end *end) {
  segment *memory = end->state;
  side *self = floor_allocate(sizeof *self);
  *self = (side){.memory = memory,
                 .own = &memory->bells[end->side],
                 .peers = &memory->bells[1 - end->side],
                 .out = &memory->rings[end->side],
                 .in = &memory->rings[1 - end->side],
                 .room_until = RING_BYTES,
                 .message = floor_allocate(floor_longest(end->order))};
  bell_open(self->own, end);
  end->state = self;
}

// The memory goes with ping's side, the last.
static void side_close(floor_end *end, void (*release)(segment *memory)) {
  side *self = end->state;
  segment *memory = self->memory;
  free(self->message);
  free(self);
  if (end->side != FLOOR_PING) return;
  for (int i = 1; i >= 0; i--) bell_close(&memory->bells[i]);
  release(memory);
}

static void unmap(segment *memory) { floor_check(munmap(memory, sizeof *memory), "munmap"); }
static void detach(segment *memory) { floor_check(shmdt(memory), "shmdt"); }
static void release_heap(segment *memory) { free(memory); }

static void map_close(floor_end *end) { side_close(end, unmap); }
static void sysv_close(floor_end *end) { side_close(end, detach); }
static void thread_close(floor_end *end) { side_close(end, release_heap); }

static inline uint32_t record_bytes(size_t length) { return (uint32_t)(RECORD_HEADER + length + 7) & ~7u; }

// ---- sending ------------------------------------------------------------------------------------

static void publish(side *self) {
  if (self->published == self->written) return;
  self->published = self->written;
  self->unpublished = 0;
  atomic_store(&self->out->head, self->written);
  bell_ring(self->peers);
}

static bool has_room(const void *arg) {
  const side *self = arg;
  return atomic_load(&self->out->tail) + RING_BYTES - self->written >= self->wanted;
}

static void wait_for_room(side *self, const floor_end *end, uint32_t bytes) {
  self->wanted = bytes;
  publish(self);
  for (;;) {
    for (floor_spinner spinner = floor_spin(end); !has_room(self) && floor_spins(&spinner);) continue;
    if (has_room(self)) break;
    bell_sleep(self->own, end, has_room, self);
  }
  self->room_until = atomic_load(&self->out->tail) + RING_BYTES;
}

static void ring_send(floor_end *end, const void *data, size_t length, bool more) {
  side *self = end->state;
  uint32_t record = record_bytes(length), at = self->written % RING_BYTES, straight = RING_BYTES - at;
  uint32_t bytes = record <= straight ? record : straight + record;
  if (self->room_until - self->written < bytes) wait_for_room(self, end, bytes);
  if (record > straight) {
    memcpy(self->out->bytes + at, &(uint32_t){SKIP}, sizeof(uint32_t));
    at = 0;
  }
  memcpy(self->out->bytes + at, &(uint32_t){(uint32_t)length}, sizeof(uint32_t));
  memcpy(self->out->bytes + at + RECORD_HEADER, data, length);
  self->written += bytes;
  if (!more || ++self->unpublished >= SHARE_MESSAGES || self->written - self->published >= SHARE_BYTES) publish(self);
}

// ---- receiving ----------------------------------------------------------------------------------

static void give_back(side *self) {
  if (self->given_back == self->read) return;
  self->given_back = self->read;
  atomic_store(&self->in->tail, self->read);
  bell_ring(self->peers);
}

static bool has_message(const void *arg) {
  const side *self = arg;
  return atomic_load(&self->in->head) != self->read;
}

// Whether there is a message that was not seen yet.
static bool look(side *self, const floor_end *end, bool wait) {
  for (;;) {
    self->seen = atomic_load_explicit(&self->in->head, memory_order_acquire);
    if (self->seen != self->read) return true;
    give_back(self);
    if (!wait) return false;
    bell_sleep(self->own, end, has_message, self);
  }
}

static ssize_t ring_receive(floor_end *end, const uint8_t **data, bool wait) {
  side *self = end->state;
  if (self->seen == self->read && !look(self, end, wait)) return FLOOR_NOTHING;
  uint32_t at = self->read % RING_BYTES, length;
  memcpy(&length, self->in->bytes + at, sizeof length);
  if (length == SKIP) {
    self->read += RING_BYTES - at;
    at = 0;
    memcpy(&length, self->in->bytes, sizeof length);
  }
  if (length > floor_longest(end->order)) floor_fail("a message of %u bytes was announced", length);
  memcpy(self->message, self->in->bytes + at + RECORD_HEADER, length);
  self->read += record_bytes(length);
  if (self->read - self->given_back >= SHARE_BYTES) give_back(self);
  *data = self->message;
  return (ssize_t)length;
}

#define MOST (RING_BYTES / 2 - RECORD_HEADER) // fits at any position

const floor_variant floor_variants[] = {
    {.variant = "ring", .most = MOST, .create = memfd_create_, .open = side_open, .send = ring_send, .receive = ring_receive, .close = map_close},
    {.variant = "posix", .most = MOST, .create = posix_create, .open = side_open, .send = ring_send, .receive = ring_receive, .close = map_close},
    {.variant = "mmap", .most = MOST, .create = file_create, .open = side_open, .send = ring_send, .receive = ring_receive, .close = map_close},
    {.variant = "sysv", .most = MOST, .create = sysv_create, .open = side_open, .send = ring_send, .receive = ring_receive, .close = sysv_close},
    {.variant = "worker", .most = MOST, .threads = true, .create = thread_create, .open = side_open, .send = ring_send, .receive = ring_receive, .close = thread_close},
    {.variant = NULL},
};
