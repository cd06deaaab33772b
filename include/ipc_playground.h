/*
 * ipc_playground.h: the other side of an ipc-playground channel, in C. Frames over any byte stream, and the ring of
 * `shared-memory/posix`. The formats are specified in docs/wire.md.
 *
 * One file. In exactly one source, before any other header:
 *
 *     #define IPC_PLAYGROUND_IMPLEMENTATION
 *     #include "ipc_playground.h"
 *
 * C11 or C++11, gcc or clang, Linux 5.3 and newer, nothing beside libc. What fails says so by a negative result and
 * has no effect; a peer that breaks the format gives IPC_PROTOCOL. Nothing here is shared between threads: an object
 * is used by one at a time.
 */
#if defined IPC_PLAYGROUND_IMPLEMENTATION && !defined _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef IPC_PLAYGROUND_H
#define IPC_PLAYGROUND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  IPC_WOULD_BLOCK = -1,  /* empty, or full */
  IPC_END = -2,          /* nothing more will come */
  IPC_CLOSED = -3,       /* this side has ended this direction */
  IPC_PEER_GONE = -4,    /* the peer closed or died */
  IPC_PAYLOAD_SIZE = -5, /* the message is too long; nothing was sent */
  IPC_TARGET_SIZE = -6,  /* the message does not fit the target; it stays */
  IPC_BUSY = -7,         /* the listener has its peer */
  IPC_SYSTEM = -8,       /* errno says what */
  IPC_PROTOCOL = -9,     /* the peer broke the format; nothing after that can be used */
  IPC_VERSION = -10,     /* the segment is of another version, or no ring */
  IPC_NOT_FOUND = -11,   /* nobody listens there (yet) */
  IPC_EXISTS = -12,      /* the name is taken */
  IPC_TIMEOUT = -13
};

/* What a result means, in English. Static. */
const char *ipc_describe(int result);

/* ---- frames -------------------------------------------------------------------------------------- */

#define IPC_FRAME_HEADER_BYTES 4
/* What the Node side accepts unless told otherwise. */
#define IPC_MAX_MESSAGE_BYTES (64u * 1024 * 1024)

/* The header of a message of `length` bytes. */
void ipc_frame_header(unsigned char header[IPC_FRAME_HEADER_BYTES], uint32_t length);

/* Cuts a byte stream into messages. Its fields are to be read, not written. */
typedef struct {
  unsigned char *bytes; /* the message, valid until the next call */
  size_t length;
  size_t have, room, most;
  int error;
  unsigned char header[IPC_FRAME_HEADER_BYTES];
} ipc_decoder;

/* Accepts messages of at most `most` bytes. Memory follows what has arrived, not what a header announces. */
void ipc_decoder_init(ipc_decoder *decoder, size_t most);
void ipc_decoder_free(ipc_decoder *decoder);

/*
 * Takes bytes up to the end of the next message; `used` tells how many. 1: a whole message, in `decoder->bytes`.
 * 0: all bytes were taken and more are needed. IPC_PROTOCOL: the peer announced more than `most`. IPC_SYSTEM: no memory.
 */
int ipc_decode(ipc_decoder *decoder, const void *bytes, size_t count, size_t *used);

/* At the end of the stream: IPC_END, or IPC_PEER_GONE inside a message. */
int ipc_decode_end(const ipc_decoder *decoder);

/*
 * The next message of a descriptor: as ipc_decode, or how the stream ended. 0 where the descriptor does not block and
 * the message is not all there yet: poll(2) and call again.
 */
int ipc_frame_read(int fd, ipc_decoder *decoder);

/*
 * Writes one message whole, waiting as long as that takes. 0, IPC_PEER_GONE, IPC_PAYLOAD_SIZE from 2^32 bytes on, or
 * IPC_SYSTEM. A program that writes to pipes and sockets ignores SIGPIPE.
 */
int ipc_frame_write(int fd, const void *data, size_t length);

/* ---- the ring of shared-memory/posix -------------------------------------------------------------
 *
 * A process of the same user may truncate the segment; then an access is SIGBUS, which is the program's to handle.
 */

typedef struct ipc_ring ipc_ring;

/*
 * Makes the segment `name` (no slash, at most 255 bytes; mode 0600) with two rings of `bytes`, 4096 to 2^29, rounded
 * up to a power of two. 0, IPC_EXISTS, or IPC_SYSTEM. Owned by the caller: ipc_ring_close.
 */
int ipc_ring_listen(ipc_ring **ring, const char *name, size_t bytes);
/*
 * Waits for the one connector, `timeout_ms` at most (negative: without limit), and removes the name. 0, IPC_TIMEOUT, or
 * IPC_SYSTEM, after which the ring can only be closed.
 */
int ipc_ring_accept(ipc_ring *ring, int timeout_ms);

/* 0, IPC_NOT_FOUND (which may change), IPC_BUSY, IPC_VERSION, or IPC_SYSTEM. Owned by the caller: ipc_ring_close. */
int ipc_ring_connect(ipc_ring **ring, const char *name);

/* The longest message: half of a ring less 8. */
size_t ipc_ring_max(const ipc_ring *ring);
/* The length of the message behind the last IPC_TARGET_SIZE. */
size_t ipc_ring_next_length(const ipc_ring *ring);

/* 0, IPC_WOULD_BLOCK, IPC_CLOSED, IPC_PEER_GONE, IPC_PAYLOAD_SIZE, IPC_PROTOCOL. No system call unless the peer sleeps. */
int ipc_ring_try_send(ipc_ring *ring, const void *data, size_t length);
/* The length of the message, >= 0; or IPC_WOULD_BLOCK, IPC_END, IPC_PEER_GONE, IPC_TARGET_SIZE, IPC_PROTOCOL. */
int ipc_ring_try_receive(ipc_ring *ring, void *target, size_t room);

/* The same, waiting for at most `timeout_ms` (negative: without limit): IPC_TIMEOUT. A peer that was killed is noticed within 50 ms. */
int ipc_ring_send(ipc_ring *ring, const void *data, size_t length, int timeout_ms);
int ipc_ring_receive(ipc_ring *ring, void *target, size_t room, int timeout_ms);

/* Nothing more will be sent; the peer reads all of it and then the end. The other direction goes on. */
void ipc_ring_end(ipc_ring *ring);
/* Ends, and leaves: what is unread is lost, and the peer cannot send any more. Releases everything. NULL is allowed. */
void ipc_ring_close(ipc_ring *ring);

#ifdef __cplusplus
}
#endif
#endif

/* ================================================================================================== */

#ifdef IPC_PLAYGROUND_IMPLEMENTATION
#undef IPC_PLAYGROUND_IMPLEMENTATION

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

const char *ipc_describe(int result) {
  switch (result) {
    case IPC_WOULD_BLOCK: return "nothing to read, or no room";
    case IPC_END: return "the end";
    case IPC_CLOSED: return "this direction was ended";
    case IPC_PEER_GONE: return "the peer is gone";
    case IPC_PAYLOAD_SIZE: return "the message is too long";
    case IPC_TARGET_SIZE: return "the message does not fit the target";
    case IPC_BUSY: return "the listener has its peer; it takes one";
    case IPC_SYSTEM: return strerror(errno);
    case IPC_PROTOCOL: return "the peer broke the format";
    case IPC_VERSION: return "another version, or no ring";
    case IPC_NOT_FOUND: return "nobody listens there; start the listener first";
    case IPC_EXISTS: return "the name is taken; choose another, or remove what a killed process left in /dev/shm";
    case IPC_TIMEOUT: return "the time is over";
    default: return "done";
  }
}

/* ---- frames -------------------------------------------------------------------------------------- */

#define IPC__FIRST_ROOM 4096u

void ipc_frame_header(unsigned char header[IPC_FRAME_HEADER_BYTES], uint32_t length) {
  for (int i = 0; i < IPC_FRAME_HEADER_BYTES; i++) header[i] = (unsigned char)(length >> (8 * i));
}

void ipc_decoder_init(ipc_decoder *decoder, size_t most) {
  memset(decoder, 0, sizeof *decoder);
  decoder->most = most;
}

void ipc_decoder_free(ipc_decoder *decoder) {
  free(decoder->bytes);
  ipc_decoder_init(decoder, decoder->most);
}

static bool ipc__complete(const ipc_decoder *decoder) {
  return decoder->have >= IPC_FRAME_HEADER_BYTES && decoder->have - IPC_FRAME_HEADER_BYTES == decoder->length;
}

/* Where the next bytes of the stream belong, and how many: 0, or an error. */
static int ipc__want(ipc_decoder *decoder, unsigned char **at, size_t *count) {
  if (decoder->error != 0) return decoder->error;
  if (ipc__complete(decoder)) decoder->have = 0;
  if (decoder->have < IPC_FRAME_HEADER_BYTES) {
    *at = decoder->header + decoder->have;
    *count = IPC_FRAME_HEADER_BYTES - decoder->have;
    return 0;
  }
  size_t body = decoder->have - IPC_FRAME_HEADER_BYTES;
  if (body == decoder->room) {
    size_t room = decoder->room < IPC__FIRST_ROOM ? IPC__FIRST_ROOM : 2 * decoder->room;
    if (room > decoder->length) room = decoder->length;
    unsigned char *grown = (unsigned char *)realloc(decoder->bytes, room);
    if (grown == NULL) return IPC_SYSTEM;
    decoder->bytes = grown;
    decoder->room = room;
  }
  *at = decoder->bytes + body;
  *count = (decoder->room < decoder->length ? decoder->room : decoder->length) - body;
  return 0;
}

/* `count` bytes have been put there. 1 where that completes a message. */
static int ipc__took(ipc_decoder *decoder, size_t count) {
  bool heading = decoder->have < IPC_FRAME_HEADER_BYTES;
  decoder->have += count;
  if (heading && decoder->have == IPC_FRAME_HEADER_BYTES) {
    decoder->length = 0;
    for (int i = 0; i < IPC_FRAME_HEADER_BYTES; i++) decoder->length |= (size_t)decoder->header[i] << (8 * i);
    if (decoder->length > decoder->most) return decoder->error = IPC_PROTOCOL;
  }
  return ipc__complete(decoder);
}

int ipc_decode(ipc_decoder *decoder, const void *bytes, size_t count, size_t *used) {
  int result = decoder->error;
  *used = 0;
  while (result == 0 && *used < count) {
    unsigned char *at;
    size_t wanted;
    result = ipc__want(decoder, &at, &wanted);
    if (result < 0) break;
    if (wanted > count - *used) wanted = count - *used;
    memcpy(at, (const unsigned char *)bytes + *used, wanted);
    *used += wanted;
    result = ipc__took(decoder, wanted);
  }
  return result;
}

int ipc_decode_end(const ipc_decoder *decoder) {
  return decoder->have == 0 || ipc__complete(decoder) ? IPC_END : IPC_PEER_GONE;
}

int ipc_frame_read(int fd, ipc_decoder *decoder) {
  for (;;) {
    unsigned char *at;
    size_t wanted;
    int result = ipc__want(decoder, &at, &wanted);
    if (result < 0) return result;
    ssize_t n = read(fd, at, wanted);
    if (n == 0) return ipc_decode_end(decoder);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    if (n < 0) return errno == ECONNRESET ? IPC_PEER_GONE : IPC_SYSTEM;
    result = ipc__took(decoder, (size_t)n);
    if (result != 0) return result;
  }
}

int ipc_frame_write(int fd, const void *data, size_t length) {
  unsigned char header[IPC_FRAME_HEADER_BYTES];
  if (length > UINT32_MAX) return IPC_PAYLOAD_SIZE;
  ipc_frame_header(header, (uint32_t)length);
  struct iovec parts[2];
  parts[0].iov_base = header;
  parts[0].iov_len = sizeof header;
  parts[1].iov_base = (void *)(uintptr_t)data;
  parts[1].iov_len = length;
  for (int first = 0; first < 2;) {
    ssize_t n = writev(fd, parts + first, 2 - first);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      struct pollfd writable = {fd, POLLOUT, 0};
      if (poll(&writable, 1, -1) < 0 && errno != EINTR) return IPC_SYSTEM;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EPIPE || errno == ECONNRESET ? IPC_PEER_GONE : IPC_SYSTEM;
    size_t left = (size_t)n;
    for (; first < 2 && left >= parts[first].iov_len; first++) left -= parts[first].iov_len;
    if (first < 2) {
      parts[first].iov_base = (unsigned char *)parts[first].iov_base + left;
      parts[first].iov_len -= left;
    }
  }
  return 0;
}

/* ---- the ring ------------------------------------------------------------------------------------ */

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define IPC__MAGIC 0x52435049u
#define IPC__RING_VERSION 2u
#define IPC__SEGMENT_HEADER 4096u
#define IPC__SMALLEST 4096u
#define IPC__LARGEST (1u << 29)
#define IPC__NAME_BYTES 255
#define IPC__NAME_AT 64
#define IPC__RECORD_HEADER 8u
#define IPC__SKIP (-1)
#define IPC__WITHDRAWN UINT32_MAX
/* How often a sleeper looks whether its peer lives: no futex tells. */
#define IPC__LOOK_MS 50

/* Offsets into the header, and into the block of a side. */
enum {
  IPC__AT_MAGIC = 0,
  IPC__AT_VERSION = 4,
  IPC__AT_RING = 8,
  IPC__AT_TOTAL = 12,
  IPC__AT_READY = 16,
  IPC__AT_CLAIM = 20,
  IPC__AT_LISTENER = 24,
  IPC__AT_NAME_BYTES = 28,
  IPC__AT_START = 32,
  IPC__AT_BLOCKS = 2048,
  IPC__BLOCK_BYTES = 1024,
  IPC__BELL = 0,
  IPC__HEAD = 128,
  IPC__SENDER_END = 132,
  IPC__TAIL = 256,
  IPC__RECEIVER_END = 260
};

/* The bits of a bell. */
enum { IPC__READABLE = 1, IPC__WRITABLE = 2, IPC__BLOCKED = 4 };

struct ipc_ring {
  unsigned char *memory;
  uint32_t ring; /* bytes of one */
  uint32_t side; /* 0 listened, 1 connected */
  char name[IPC__NAME_BYTES + 1];
  bool listening; /* the name is this side's to remove */
  dev_t device;
  ino_t inode;
  int pidfd;
  bool lost; /* the kernel told that the peer is gone */
  /* Sending: where the next record goes, and what the peer was seen to have given back. */
  unsigned char *out;
  uint32_t out_at, out_tail;
  bool out_ended;
  int out_over;
  /* Receiving: where the next record is, what was seen published, and what was given back. */
  unsigned char *in;
  uint32_t in_at, in_head, in_given;
  int in_over;
  size_t next_length;
};

static uint32_t *ipc__word(const ipc_ring *self, uint32_t offset) { return (uint32_t *)(void *)(self->memory + offset); }
static uint32_t *ipc__mine(const ipc_ring *self, uint32_t field) {
  return ipc__word(self, IPC__AT_BLOCKS + self->side * IPC__BLOCK_BYTES + field);
}
static uint32_t *ipc__peers(const ipc_ring *self, uint32_t field) {
  return ipc__word(self, IPC__AT_BLOCKS + (1 - self->side) * IPC__BLOCK_BYTES + field);
}
static uint32_t ipc__load(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static void ipc__store(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
/* What the word was. */
static uint32_t ipc__swap(uint32_t *word, uint32_t expected, uint32_t value) {
  __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

/* futex(2), without FUTEX_PRIVATE_FLAG: the other side is another process. */
static void ipc__wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

static int64_t ipc__now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* While the word is `value`: at most until `deadline` (negative: none), and at most IPC__LOOK_MS. False where the deadline is over. */
static bool ipc__sleep(uint32_t *word, uint32_t value, int64_t deadline) {
  int64_t left = deadline < 0 ? IPC__LOOK_MS : deadline - ipc__now_ms();
  if (left <= 0) return false;
  if (left > IPC__LOOK_MS) left = IPC__LOOK_MS;
  struct timespec limit = {0, (long)left * 1000000};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
  return true;
}

static int64_t ipc__deadline(int timeout_ms) { return timeout_ms < 0 ? -1 : ipc__now_ms() + timeout_ms; }

/* When a process started, proc_pid_stat(5): ticks since boot, 0 where there is none. */
static uint64_t ipc__start_of(uint32_t pid) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%u/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 0;
  text[n] = 0;
  const char *at = strrchr(text, ')'); /* the end of field 2, which may hold anything */
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at, NULL, 10);
}

static int ipc__object_name(char path[IPC__NAME_BYTES + 2], const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > IPC__NAME_BYTES || strchr(name, '/') != NULL) {
    errno = EINVAL;
    return IPC_SYSTEM;
  }
  path[0] = '/';
  memcpy(path + 1, name, length + 1);
  return 0;
}

/* Removes the name, if it still is this segment's. */
static void ipc__unlink(ipc_ring *self) {
  char path[IPC__NAME_BYTES + 2];
  struct stat status;
  self->listening = false;
  if (ipc__object_name(path, self->name) < 0) return;
  int fd = shm_open(path, O_RDONLY, 0);
  if (fd < 0) return;
  if (fstat(fd, &status) == 0 && status.st_ino == self->inode && status.st_dev == self->device) shm_unlink(path);
  close(fd);
}

static void ipc__unmap(ipc_ring *self) {
  if (self->memory != NULL) munmap(self->memory, IPC__SEGMENT_HEADER + 2 * (size_t)self->ring);
  self->memory = NULL;
  if (self->pidfd >= 0) close(self->pidfd);
  self->pidfd = -1;
}

static ipc_ring *ipc__new(const char *name, uint32_t side) {
  ipc_ring *self = (ipc_ring *)calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  memcpy(self->name, name, strlen(name) + 1);
  self->side = side;
  self->pidfd = -1;
  return self;
}

static void ipc__aim(ipc_ring *self) {
  self->out = self->memory + IPC__SEGMENT_HEADER + self->side * (size_t)self->ring;
  self->in = self->memory + IPC__SEGMENT_HEADER + (1 - self->side) * (size_t)self->ring;
}

/* A fresh segment under the name, marked ready. */
static int ipc__create(ipc_ring *self) {
  char path[IPC__NAME_BYTES + 2];
  const size_t total = IPC__SEGMENT_HEADER + 2 * (size_t)self->ring;
  struct stat status;
  int result = ipc__object_name(path, self->name);
  if (result < 0) return result;
  int fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return errno == EEXIST ? IPC_EXISTS : IPC_SYSTEM;
  int error = posix_fallocate(fd, 0, (off_t)total);
  if (error == 0 && fstat(fd, &status) < 0) error = errno;
  void *memory = error != 0 ? MAP_FAILED : mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (error == 0 && memory == MAP_FAILED) error = errno;
  close(fd);
  if (error != 0) {
    shm_unlink(path);
    errno = error;
    return IPC_SYSTEM;
  }
  self->memory = (unsigned char *)memory;
  self->device = status.st_dev;
  self->inode = status.st_ino;
  self->listening = true;
  ipc__aim(self);
  const uint64_t start = ipc__start_of((uint32_t)getpid());
  *ipc__word(self, IPC__AT_MAGIC) = IPC__MAGIC;
  *ipc__word(self, IPC__AT_VERSION) = IPC__RING_VERSION;
  *ipc__word(self, IPC__AT_RING) = self->ring;
  *ipc__word(self, IPC__AT_TOTAL) = (uint32_t)total;
  *ipc__word(self, IPC__AT_LISTENER) = (uint32_t)getpid();
  *ipc__word(self, IPC__AT_START) = (uint32_t)start;
  *ipc__word(self, IPC__AT_START + 4) = (uint32_t)(start >> 32);
  *ipc__word(self, IPC__AT_NAME_BYTES) = (uint32_t)strlen(self->name);
  memcpy(self->memory + IPC__NAME_AT, self->name, strlen(self->name));
  ipc__store(ipc__word(self, IPC__AT_READY), 1);
  return 0;
}

int ipc_ring_listen(ipc_ring **ring, const char *name, size_t bytes) {
  char path[IPC__NAME_BYTES + 2];
  *ring = NULL;
  if (ipc__object_name(path, name) < 0) return IPC_SYSTEM;
  if (bytes < IPC__SMALLEST || bytes > IPC__LARGEST) {
    errno = EINVAL;
    return IPC_SYSTEM;
  }
  ipc_ring *self = ipc__new(name, 0);
  if (self == NULL) return IPC_SYSTEM;
  for (self->ring = IPC__SMALLEST; self->ring < bytes;) self->ring *= 2;
  int result = ipc__create(self);
  if (result < 0) {
    free(self);
    return result;
  }
  *ring = self;
  return 0;
}

int ipc_ring_accept(ipc_ring *self, int timeout_ms) {
  const int64_t deadline = ipc__deadline(timeout_ms);
  while (self->listening) {
    uint32_t *claim = ipc__word(self, IPC__AT_CLAIM);
    const uint32_t pid = ipc__load(claim);
    if (pid == 0) {
      if (!ipc__sleep(claim, 0, deadline)) return IPC_TIMEOUT;
      continue;
    }
    ipc__unlink(self);
    self->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (self->pidfd >= 0) return 0;
    if (errno != ESRCH && errno != EINVAL) return IPC_SYSTEM;
    /* Gone before it was met: the next one gets a segment of its own. */
    ipc__unmap(self);
    int result = ipc__create(self);
    if (result < 0) return result;
  }
  return self->pidfd >= 0 ? 0 : IPC_CLOSED;
}

/* The bytes of one ring of a segment of `size` bytes whose first page is mapped and whose header holds; or an error. */
static int ipc__check_header(const ipc_ring *self, uint64_t size, uint32_t *listener) {
  if (ipc__load(ipc__word(self, IPC__AT_READY)) == 0) return IPC_NOT_FOUND;
  const uint32_t ring = *(volatile uint32_t *)ipc__word(self, IPC__AT_RING);
  if (*ipc__word(self, IPC__AT_MAGIC) != IPC__MAGIC || *ipc__word(self, IPC__AT_VERSION) != IPC__RING_VERSION) return IPC_VERSION;
  if (ring < IPC__SMALLEST || ring > IPC__LARGEST || (ring & (ring - 1)) != 0) return IPC_VERSION;
  if (*ipc__word(self, IPC__AT_TOTAL) != IPC__SEGMENT_HEADER + 2 * ring || IPC__SEGMENT_HEADER + 2 * (uint64_t)ring > size)
    return IPC_VERSION;
  const size_t name_bytes = strlen(self->name);
  if (*ipc__word(self, IPC__AT_NAME_BYTES) != name_bytes || memcmp(self->memory + IPC__NAME_AT, self->name, name_bytes) != 0)
    return IPC_NOT_FOUND;
  *listener = *(volatile uint32_t *)ipc__word(self, IPC__AT_LISTENER);
  return (int)ring;
}

/* Maps what `fd` is, if it is a ring whose listener lives, and takes it. */
static int ipc__join(ipc_ring *self, int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return IPC_SYSTEM;
  if (!S_ISREG(status.st_mode)) return IPC_VERSION;
  if ((uint64_t)status.st_size < IPC__SEGMENT_HEADER) return IPC_NOT_FOUND;
  void *memory = mmap(NULL, IPC__SEGMENT_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return IPC_SYSTEM;
  self->memory = (unsigned char *)memory;
  uint32_t listener = 0;
  int ring = ipc__check_header(self, (uint64_t)status.st_size, &listener);
  if (ring < 0) return ring;
  memory = mremap(memory, IPC__SEGMENT_HEADER, IPC__SEGMENT_HEADER + 2 * (size_t)ring, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return IPC_SYSTEM;
  self->memory = (unsigned char *)memory;
  self->ring = (uint32_t)ring;
  ipc__aim(self);
  self->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)listener, 0);
  if (self->pidfd < 0) return errno == ESRCH || errno == EINVAL ? IPC_NOT_FOUND : IPC_SYSTEM;
  const uint64_t start = *ipc__word(self, IPC__AT_START) | (uint64_t)*ipc__word(self, IPC__AT_START + 4) << 32;
  if (ipc__start_of(listener) != start) return IPC_NOT_FOUND;
  uint32_t *claim = ipc__word(self, IPC__AT_CLAIM);
  const uint32_t taken = ipc__swap(claim, 0, (uint32_t)getpid());
  if (taken != 0) return taken == IPC__WITHDRAWN ? IPC_NOT_FOUND : IPC_BUSY;
  ipc__wake(claim);
  return 0;
}

int ipc_ring_connect(ipc_ring **ring, const char *name) {
  char path[IPC__NAME_BYTES + 2];
  *ring = NULL;
  if (ipc__object_name(path, name) < 0) return IPC_SYSTEM;
  int fd = shm_open(path, O_RDWR, 0);
  if (fd < 0) return errno == ENOENT ? IPC_NOT_FOUND : IPC_SYSTEM;
  ipc_ring *self = ipc__new(name, 1);
  int result = self == NULL ? IPC_SYSTEM : ipc__join(self, fd);
  int error = errno;
  close(fd);
  if (result < 0 && self != NULL) {
    ipc__unmap(self); /* one page while the ring has no size yet */
    free(self);
  }
  if (result == 0) *ring = self;
  errno = error;
  return result;
}

size_t ipc_ring_max(const ipc_ring *self) { return self->ring / 2 - IPC__RECORD_HEADER; }
size_t ipc_ring_next_length(const ipc_ring *self) { return self->next_length; }

/* Wakes the peer, if it sleeps for one of `bits`. */
static void ipc__ring(ipc_ring *self, uint32_t bits) {
  uint32_t *bell = ipc__peers(self, IPC__BELL);
  if ((ipc__load(bell) & bits) != 0 && __atomic_exchange_n(bell, 0, __ATOMIC_SEQ_CST) != 0) ipc__wake(bell);
}

/* Looks at what the peer has given back: 0, or why nothing can be sent any more. */
static int ipc__check_tail(ipc_ring *self) {
  if (self->out_over != 0) return self->out_over;
  const uint32_t tail = ipc__load(ipc__peers(self, IPC__TAIL));
  if (tail - self->out_tail > self->out_at - self->out_tail || (tail & 7) != 0) return self->out_over = IPC_PROTOCOL;
  self->out_tail = tail;
  if (self->lost || ipc__load(ipc__peers(self, IPC__RECEIVER_END)) != 0) return self->out_over = IPC_PEER_GONE;
  return 0;
}

int ipc_ring_try_send(ipc_ring *self, const void *data, size_t length) {
  if (self->out_ended) return IPC_CLOSED;
  if (length > ipc_ring_max(self)) return IPC_PAYLOAD_SIZE;
  int over = ipc__check_tail(self);
  if (over < 0) return over;
  const uint32_t record = (IPC__RECORD_HEADER + (uint32_t)length + 7) & ~7u;
  uint32_t offset = self->out_at & (self->ring - 1);
  const uint32_t straight = self->ring - offset;
  const uint32_t need = record <= straight ? record : straight + record;
  if (self->ring - (self->out_at - self->out_tail) < need) return IPC_WOULD_BLOCK;
  if (record > straight) {
    *(int32_t *)(void *)(self->out + offset) = IPC__SKIP;
    offset = 0;
  }
  *(uint32_t *)(void *)(self->out + offset) = (uint32_t)length;
  *(uint32_t *)(void *)(self->out + offset + 4) = 0;
  if (length > 0) memcpy(self->out + offset + IPC__RECORD_HEADER, data, length);
  self->out_at += need;
  ipc__store(ipc__mine(self, IPC__HEAD), self->out_at);
  ipc__ring(self, IPC__READABLE);
  return 0;
}

static void ipc__give_back(ipc_ring *self) {
  if (self->in_given == self->in_at) return;
  self->in_given = self->in_at;
  ipc__store(ipc__mine(self, IPC__TAIL), self->in_at);
  ipc__ring(self, IPC__WRITABLE);
}

/* How many bytes were published since the last look; IPC_PROTOCOL where that cannot be. */
static int ipc__fetch(ipc_ring *self) {
  const uint32_t head = ipc__load(ipc__peers(self, IPC__HEAD));
  const uint32_t more = head - self->in_head;
  if (more > self->ring || head - self->in_given > self->ring || (head & 7) != 0) return self->in_over = IPC_PROTOCOL;
  self->in_head = head;
  return (int)more;
}

/* Everything seen is consumed. 0: there is more; else why there is not. */
static int ipc__look(ipc_ring *self) {
  int more = ipc__fetch(self);
  if (more != 0) return more < 0 ? more : 0;
  ipc__give_back(self);
  const uint32_t ended = ipc__load(ipc__peers(self, IPC__SENDER_END));
  if (ended == 0 && !self->lost) return IPC_WOULD_BLOCK;
  more = ipc__fetch(self); /* what was published just before */
  if (more != 0) return more < 0 ? more : 0;
  return self->in_over = ended == 1 ? IPC_END : IPC_PEER_GONE;
}

/* The length of the next message, which is at `in_at`. */
static int ipc__next(ipc_ring *self) {
  for (;;) {
    if (self->in_over != 0) return self->in_over;
    const uint32_t unread = self->in_head - self->in_at;
    if (unread == 0) {
      int result = ipc__look(self);
      if (result < 0) return result;
      continue;
    }
    const uint32_t offset = self->in_at & (self->ring - 1);
    const uint32_t straight = self->ring - offset;
    const int32_t length = *(volatile int32_t *)(void *)(self->in + offset); /* once: the peer may change it */
    if (length == IPC__SKIP) {
      if (offset == 0 || straight > unread) return self->in_over = IPC_PROTOCOL;
      self->in_at += straight;
      continue;
    }
    const uint32_t room = (unread < straight ? unread : straight) - IPC__RECORD_HEADER;
    if (length < 0 || (uint32_t)length > room) return self->in_over = IPC_PROTOCOL;
    return length;
  }
}

int ipc_ring_try_receive(ipc_ring *self, void *target, size_t room) {
  const int length = ipc__next(self);
  if (length < 0) return length;
  if ((size_t)length > room) {
    self->next_length = (size_t)length;
    return IPC_TARGET_SIZE;
  }
  if (length > 0) memcpy(target, self->in + (self->in_at & (self->ring - 1)) + IPC__RECORD_HEADER, (size_t)length);
  self->in_at += (IPC__RECORD_HEADER + (uint32_t)length + 7) & ~7u;
  /* A few at a time: a line that goes to and fro with every message costs more than the message. */
  if (self->in_at - self->in_given >= self->ring / 8 || (ipc__load(ipc__peers(self, IPC__BELL)) & IPC__WRITABLE) != 0)
    ipc__give_back(self);
  return length;
}

/* Whether a try that would block may tell something else now. */
static bool ipc__changed(const ipc_ring *self, uint32_t interest) {
  if (interest == IPC__READABLE)
    return ipc__load(ipc__peers(self, IPC__HEAD)) != self->in_head || ipc__load(ipc__peers(self, IPC__SENDER_END)) != 0;
  return ipc__load(ipc__peers(self, IPC__TAIL)) != self->out_tail || ipc__load(ipc__peers(self, IPC__RECEIVER_END)) != 0;
}

/* Sleeps until something changed or the peer is gone: 0; IPC_TIMEOUT. */
static int ipc__wait(ipc_ring *self, uint32_t interest, int64_t deadline) {
  uint32_t *bell = ipc__mine(self, IPC__BELL);
  const uint32_t bits = interest | IPC__BLOCKED;
  for (int result = 0;; result = 0) {
    const uint32_t value = __atomic_fetch_or(bell, bits, __ATOMIC_SEQ_CST) | bits;
    if (!ipc__changed(self, interest) && !ipc__sleep(bell, value, deadline)) result = IPC_TIMEOUT;
    struct pollfd life = {self->pidfd, POLLIN, 0};
    if (ipc__changed(self, interest)) result = 0;
    else if (poll(&life, 1, 0) > 0) {
      self->lost = true;
      result = 0;
    } else if (result == 0) continue;
    ipc__swap(bell, value, 0);
    return result;
  }
}

int ipc_ring_send(ipc_ring *self, const void *data, size_t length, int timeout_ms) {
  const int64_t deadline = ipc__deadline(timeout_ms);
  for (;;) {
    int result = ipc_ring_try_send(self, data, length);
    if (result != IPC_WOULD_BLOCK) return result;
    result = ipc__wait(self, IPC__WRITABLE, deadline);
    if (result < 0) return result;
  }
}

int ipc_ring_receive(ipc_ring *self, void *target, size_t room, int timeout_ms) {
  const int64_t deadline = ipc__deadline(timeout_ms);
  for (;;) {
    int result = ipc_ring_try_receive(self, target, room);
    if (result != IPC_WOULD_BLOCK) return result;
    result = ipc__wait(self, IPC__READABLE, deadline);
    if (result < 0) return result;
  }
}

void ipc_ring_end(ipc_ring *self) {
  self->out_ended = true;
  if (ipc__swap(ipc__mine(self, IPC__SENDER_END), 0, 1) == 0) ipc__ring(self, IPC__READABLE);
}

void ipc_ring_close(ipc_ring *self) {
  if (self == NULL) return;
  if (self->listening) {
    ipc__unlink(self);
    ipc__swap(ipc__word(self, IPC__AT_CLAIM), 0, IPC__WITHDRAWN); /* or one came at this very moment: it sees us leave */
  }
  if (self->memory != NULL) {
    ipc_ring_end(self);
    ipc__store(ipc__mine(self, IPC__RECEIVER_END), 1);
    ipc__ring(self, IPC__READABLE | IPC__WRITABLE);
  }
  ipc__unmap(self);
  free(self);
}

#ifdef __cplusplus
}
#endif
#endif
