// Byte streams over descriptors (pipes, FIFOs, stream sockets), and messages framed on them: a 4-byte
// little-endian length, then the bytes.
//
// Every call takes the time that it may wait in ms: 0 never waits; negative has no limit, and is one system
// call where data or room is there when it comes, because then the descriptor itself blocks. Sockets need
// O_NONBLOCK cleared once for that and say MSG_DONTWAIT where they must not wait; a pipe's descriptor is
// switched when the caller goes over from one kind to the other. A signal ends no wait.
#include "calls.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEADER 4
#define BUFFER (64 * 1024)
// A frame up to this length is copied behind its header: one write(2) is cheaper than a writev(2). PIPE_BUF in all.
#define SMALL (4096 - HEADER)
// A message of this length is read straight into the caller's memory.
#define LARGE (16 * 1024)
// A pipe grows to this at most, the default of fs.pipe-max-size.
#define LARGEST_PIPE (1024 * 1024)

typedef struct {
  int fd;
  bool blocks; // the description's mode, as it was set here last
} end;

typedef struct {
  end in, out;
  bool socket, grown;
  // Bytes read and not yet handed over: buffer[first .. last). The buffer is JavaScript's, `given`, which cuts
  // messages out of it as well, unless one of our own had to be larger.
  uint8_t *buffer, *given;
  size_t capacity, first, last;
  size_t expected; // the length of the message before
  bool drained;    // the last read took all that was there
  uint32_t *told;  // memory of JavaScript's, see below
} stream;

// What is told beside a result: the length of the message behind -EMSGSIZE or -EPROTO, or what had come of its
// frame behind -ENOLINK; whether a whole message is in a buffer of our own; whether the last read took all that was
// there; from where to where the given buffer holds bytes, of which JavaScript advances the first. From STAGE on the
// message of streamSendStaged. core/descriptor-endpoint.ts has the same order.
enum { LENGTH, HOLDS, DRAINED, FIRST, LAST, STAGE = 16 };
#define STAGED 64
#define TOLD (STAGE * sizeof(uint32_t) + STAGED)

typedef struct {
  bool waits, forever;
  struct timespec deadline;
} patience;

static const char tag;

// From now on `buffer` holds what was read.
static void set_buffer(stream *self, uint8_t *buffer, size_t capacity) {
  if (self->buffer != self->given) free(self->buffer);
  self->buffer = buffer;
  self->capacity = capacity;
}

static void stream_free(void *object) {
  stream *self = object;
  set_buffer(self, NULL, 0);
  free(self);
}

static patience patience_of(double ms) {
  patience result = {.waits = ms != 0, .forever = ms < 0};
  if (ms > 0) ipc_deadline(ms, &result.deadline);
  return result;
}

// 0, or -errno: from now on the descriptor blocks, or (a socket's has MSG_DONTWAIT) does not.
static int set_mode(const stream *self, end *at, bool blocks) {
  if (at->blocks == blocks || (self->socket && at->blocks)) return 0;
  int flags = fcntl(at->fd, F_GETFL);
  if (flags < 0 || fcntl(at->fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0) return -errno;
  at->blocks = blocks;
  return 0;
}

// Waits where a call said EAGAIN: 0, or -EAGAIN when the time is over.
static int wait_for(int fd, short events, const patience *limit) {
  if (!limit->waits) return -EAGAIN;
  struct pollfd waited = {fd, events, 0};
  int n;
  do n = poll(&waited, 1, ipc_remaining_ms(!limit->forever, &limit->deadline));
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n == 0 ? -EAGAIN : 0;
}

// One read, once there is something: > 0, 0 at the end, or -errno.
static ssize_t input(stream *self, struct iovec *parts, int count, const patience *limit) {
  int error = set_mode(self, &self->in, limit->forever);
  if (error < 0) return error;
  for (;;) {
    ssize_t n;
    if (!self->socket)
      n = count == 1 ? ipc_read(self->in.fd, parts->iov_base, parts->iov_len) : readv(self->in.fd, parts, count);
    else {
      int flags = limit->forever ? 0 : MSG_DONTWAIT;
      struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
      n = count == 1 ? ipc_recvfrom(self->in.fd, parts->iov_base, parts->iov_len, flags, NULL, NULL)
                     : ipc_recvmsg(self->in.fd, &message, flags);
    }
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -errno;
    error = wait_for(self->in.fd, POLLIN, limit);
    if (error < 0) return error;
  }
}

// A pipe that is too small for a message would take it in several turns of both sides.
static bool grow_pipe(stream *self, size_t total) {
  if (self->socket || self->grown || total <= BUFFER / 2) return false;
  self->grown = true;
  size_t size = 2 * BUFFER;
  while (size < total && size < LARGEST_PIPE) size *= 2;
  return fcntl(self->out.fd, F_SETPIPE_SZ, (int)size) >= 0;
}

// The bytes written: all of them where it may wait and the time is not over first; -errno where none was.
static ssize_t output(stream *self, struct iovec *parts, int count, size_t total, const patience *limit) {
  int error = set_mode(self, &self->out, limit->forever);
  if (error < 0) return error;
  size_t done = 0;
  for (;;) {
    ssize_t n;
    if (!self->socket)
      n = count == 1 ? ipc_write(self->out.fd, parts->iov_base, parts->iov_len) : writev(self->out.fd, parts, count);
    else {
      int flags = MSG_NOSIGNAL | (limit->forever ? 0 : MSG_DONTWAIT);
      struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
      n = count == 1 ? ipc_send(self->out.fd, parts->iov_base, parts->iov_len, flags) : sendmsg(self->out.fd, &message, flags);
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return done > 0 ? (ssize_t)done : -errno;
    if (n < 0) {
      error = wait_for(self->out.fd, POLLOUT, limit);
      if (error < 0) return done > 0 ? (ssize_t)done : error;
      continue;
    }
    done += (size_t)n;
    if (done == total) return (ssize_t)done;
    if (!grow_pipe(self, total) && !limit->waits) return (ssize_t)done;
    size_t skip = (size_t)n;
    while (skip >= parts->iov_len) {
      skip -= parts->iov_len;
      parts++;
      count--;
    }
    parts->iov_base = (uint8_t *)parts->iov_base + skip;
    parts->iov_len -= skip;
  }
}

// ---- frames -------------------------------------------------------------------------------------

static uint32_t header_at(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void drop(stream *self, size_t bytes) {
  self->first += bytes;
  if (self->first == self->last) self->first = self->last = 0;
}

// Makes room for `need` bytes from `first` on. Grows by doubling at most, so that memory follows what has
// arrived and not what a peer announces. False where there is none.
static bool reserve(stream *self, size_t need) {
  size_t have = self->last - self->first;
  if (self->first + need <= self->capacity) return true;
  if (have < self->capacity) {
    memmove(self->buffer, self->buffer + self->first, have);
  } else {
    size_t capacity = 2 * self->capacity;
    if (need < capacity) capacity = need < BUFFER ? BUFFER : need;
    uint8_t *grown = malloc(capacity);
    if (grown == NULL) return false;
    if (have > 0) memcpy(grown, self->buffer + self->first, have);
    set_buffer(self, grown, capacity);
  }
  self->first = 0;
  self->last = have;
  return true;
}

// After a message of `length`: a buffer of our own is not kept for small ones, nor one that grew large.
static void shrink(stream *self, uint32_t length) {
  if (self->first != self->last || (length >= LARGE && self->capacity <= 16 * BUFFER)) return;
  set_buffer(self, self->given, BUFFER);
}

// Puts `got` bytes of a message of `length`, which are in the caller's memory, back behind a header.
static int put_back(stream *self, const uint8_t *target, size_t got, uint32_t length) {
  size_t rest = self->last - self->first, whole = HEADER + got + rest;
  size_t capacity = whole < BUFFER ? BUFFER : whole;
  uint8_t *buffer = malloc(capacity);
  if (buffer == NULL) return -ENOMEM;
  for (int i = 0; i < HEADER; i++) buffer[i] = (uint8_t)(length >> 8 * i);
  memcpy(buffer + HEADER, target, got);
  if (rest > 0) memcpy(buffer + HEADER + got, self->buffer + self->first, rest);
  set_buffer(self, buffer, capacity);
  self->first = 0;
  self->last = whole;
  return 0;
}

// The rest of a message of which `got` bytes are in `target`, read straight into it, and the header of what
// follows to the (empty) buffer: not more, so that the next one can be read the same way. Its length, or what
// ended the reading, with everything that had come kept.
static int64_t complete(stream *self, uint8_t *target, size_t got, uint32_t length, const patience *limit) {
  while (got < length) {
    struct iovec parts[2] = {{target + got, length - got}, {self->buffer, HEADER}};
    ssize_t n = input(self, parts, 2, limit);
    if (n <= 0) {
      int error = put_back(self, target, got, length);
      if (error < 0) return error;
      if (n < 0) return n;
      self->told[LENGTH] = (uint32_t)(HEADER + got);
      return -ENOLINK;
    }
    size_t here = (size_t)n < length - got ? (size_t)n : length - got;
    self->drained = (size_t)n < length - got + HEADER;
    got += here;
    self->first = 0;
    self->last = (size_t)n - here;
  }
  self->expected = length;
  return length;
}

// Reads where the buffer is empty and the next message is likely to be as large as the last: its header to
// the buffer, its bytes to `target`. As `complete`; -EINPROGRESS where what came is in the buffer.
static int64_t expect(stream *self, uint8_t *target, const patience *limit) {
  size_t expected = self->expected;
  struct iovec parts[3] = {
      {self->buffer, HEADER}, {target, expected}, {self->buffer + HEADER, HEADER}};
  ssize_t n = input(self, parts, 3, limit);
  if (n < 0) return n;
  if (n == 0) return -ENODATA;
  self->drained = (size_t)n < HEADER + expected + HEADER;
  self->first = 0;
  if (n <= HEADER) {
    self->last = (size_t)n;
    return -EINPROGRESS;
  }
  uint32_t length = header_at(self->buffer);
  size_t got = (size_t)n - HEADER < expected ? (size_t)n - HEADER : expected;
  self->first = HEADER;
  self->last = (size_t)n - got;
  if (length == expected) {
    if (self->first == self->last) self->first = self->last = 0;
    return complete(self, target, got, length, limit);
  }
  self->expected = 0;
  int error = put_back(self, target, got, length);
  if (error < 0) return error;
  return -EINPROGRESS;
}

static int64_t receive(stream *self, uint8_t *target, size_t room, uint32_t longest, const patience *limit) {
  for (;;) {
    size_t have = self->last - self->first, need = HEADER;
    if (have >= HEADER) {
      const uint8_t *at = self->buffer + self->first;
      uint32_t length = header_at(at);
      if (length > longest) {
        self->told[LENGTH] = length;
        return -EPROTO;
      }
      need += length;
      if (have >= need) {
        if (length > room) {
          self->told[LENGTH] = length;
          return -EMSGSIZE;
        }
        if (length > 0) memcpy(target, at + HEADER, length);
        drop(self, need);
        shrink(self, length);
        self->expected = length;
        return length;
      }
      // Who does not wait may come back many times before it is whole: then it is collected in the buffer.
      if ((limit->forever || have == HEADER) && length >= LARGE && length <= room) {
        size_t got = have - HEADER;
        memcpy(target, at + HEADER, got);
        self->first = self->last = 0;
        return complete(self, target, got, length, limit);
      }
    }
    if (!reserve(self, need)) return -ENOMEM;
    if (have == 0 && self->expected >= LARGE && self->expected <= room) {
      int64_t result = expect(self, target, limit);
      if (result != -EINPROGRESS) return result;
      continue;
    }
    struct iovec part = {self->buffer + self->last, self->capacity - self->last};
    ssize_t n = input(self, &part, 1, limit);
    if (n < 0) return n;
    if (n == 0) {
      if (have == 0) return -ENODATA;
      self->told[LENGTH] = (uint32_t)have;
      return -ENOLINK;
    }
    self->drained = (size_t)n < part.iov_len;
    self->last += (size_t)n;
  }
}

// ---- for JavaScript -----------------------------------------------------------------------------

// streamOpen(readFd, writeFd, told: Uint32Array(32)): a handle that borrows both; they may be the same, or -1. Both
// are non-blocking. The caller keeps `told` alive while it uses the handle.
static napi_value stream_open(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int read_fd, write_fd;
  uint8_t *told;
  size_t length;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &read_fd) || !ipc_get_int(env, argv[1], &write_fd) ||
      !ipc_get_bytes(env, argv[2], &told, &length))
    return NULL;
  if (length < TOLD || (uintptr_t)told % _Alignof(uint32_t) != 0) return ipc_int(env, -EINVAL);
  struct stat kind;
  if (fstat(read_fd >= 0 ? read_fd : write_fd, &kind) < 0) return ipc_int(env, -errno);
  stream *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->in.fd = read_fd;
  self->out.fd = write_fd;
  self->socket = S_ISSOCK(kind.st_mode);
  self->told = (uint32_t *)(void *)told;
  return ipc_int(env, ipc_handle_add(env, &tag, self, stream_free));
}

// streamGive(stream, buffer): 64 KiB for what is read ahead, which the caller keeps alive while it uses the handle.
// Once, before the first streamReceive.
static napi_value stream_give(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  uint8_t *buffer;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_bytes(env, argv[1], &buffer, &length)) return NULL;
  stream *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (self->given != NULL || length < BUFFER) return ipc_int(env, -EINVAL);
  self->given = buffer;
  set_buffer(self, buffer, BUFFER);
  return ipc_int(env, 0);
}

static napi_value stream_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

static bool call_of(napi_env env, napi_value *argv, stream **self, uint8_t **at, size_t *length, patience *limit) {
  double ms;
  *self = ipc_handle_get(env, argv[0], &tag);
  if (!ipc_get_bytes(env, argv[1], at, length) || !ipc_get_double(env, argv[2], &ms)) return false;
  *limit = patience_of(ms);
  return true;
}

// streamRead(stream, target, waitMs): one read; 0 at the end.
static napi_value stream_read(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  stream *self;
  struct iovec part;
  uint8_t *at;
  patience limit;
  if (!ipc_args(env, info, 3, argv) || !call_of(env, argv, &self, &at, &part.iov_len, &limit)) return NULL;
  if (self == NULL) return ipc_int(env, -EBADF);
  part.iov_base = at;
  return ipc_int(env, input(self, &part, 1, &limit));
}

// streamWrite(stream, data, waitMs): the bytes written.
static napi_value stream_write(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  stream *self;
  struct iovec part;
  uint8_t *at;
  patience limit;
  if (!ipc_args(env, info, 3, argv) || !call_of(env, argv, &self, &at, &part.iov_len, &limit)) return NULL;
  if (self == NULL) return ipc_int(env, -EBADF);
  part.iov_base = at;
  return ipc_int(env, output(self, &part, 1, part.iov_len, &limit));
}

static int64_t send_frame(stream *self, uint8_t *data, size_t length, const patience *limit) {
  uint8_t small[HEADER + SMALL];
  for (int i = 0; i < HEADER; i++) small[i] = (uint8_t)(length >> 8 * i);
  struct iovec parts[2] = {{small, HEADER}, {data, length}};
  int count = 2;
  if (length <= SMALL) {
    if (length > 0) memcpy(small + HEADER, data, length);
    parts[0].iov_len += length;
    count = 1;
  }
  return output(self, parts, count, HEADER + length, limit);
}

// streamSend(stream, data, waitMs): one frame; the bytes written, the 4 of its header among them.
static napi_value stream_send(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  stream *self;
  uint8_t *data;
  size_t length;
  patience limit;
  if (!ipc_args(env, info, 3, argv) || !call_of(env, argv, &self, &data, &length, &limit)) return NULL;
  if (self == NULL) return ipc_int(env, -EBADF);
  if (length > UINT32_MAX) return ipc_int(env, -EMSGSIZE);
  return ipc_int(env, send_frame(self, data, length, &limit));
}

// streamSendStaged(stream, length, waitMs): the same for a short message that lies in `told`. V8 keeps a short
// array inside its heap; handing it over would move it out, with a malloc(3) a message.
static napi_value stream_send_staged(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int length;
  double ms;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[1], &length) || !ipc_get_double(env, argv[2], &ms))
    return NULL;
  stream *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (length < 0 || length > STAGED) return ipc_int(env, -EMSGSIZE);
  patience limit = patience_of(ms);
  return ipc_int(env, send_frame(self, (uint8_t *)(self->told + STAGE), (size_t)length, &limit));
}

// streamReceive(stream, target, waitMs, longest): the length of the next message, or -EMSGSIZE where it does not
// fit and stays; -ENODATA at the end; -ENOLINK at an end inside a message; -EPROTO where it is longer than
// `longest`.
static napi_value stream_receive(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  stream *self;
  uint8_t *target;
  size_t room;
  patience limit;
  uint32_t longest;
  if (!ipc_args(env, info, 4, argv) || !call_of(env, argv, &self, &target, &room, &limit)) return NULL;
  if (napi_get_value_uint32(env, argv[3], &longest) != napi_ok) return NULL;
  if (self == NULL || self->given == NULL) return ipc_int(env, -EBADF);
  if (self->buffer == self->given && self->told[FIRST] <= self->last) self->first = self->told[FIRST];
  drop(self, 0);
  int64_t result = receive(self, target, room, longest, &limit);
  size_t have = self->last - self->first;
  bool given = self->buffer == self->given;
  self->told[HOLDS] = !given && have >= HEADER && have - HEADER >= header_at(self->buffer + self->first);
  self->told[DRAINED] = self->drained;
  self->told[FIRST] = given ? (uint32_t)self->first : 0;
  self->told[LAST] = given ? (uint32_t)self->last : 0;
  return ipc_int(env, result);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "streamOpen", stream_open);
  ipc_export(env, exports, "streamGive", stream_give);
  ipc_export(env, exports, "streamClose", stream_close);
  ipc_export(env, exports, "streamRead", stream_read);
  ipc_export(env, exports, "streamWrite", stream_write);
  ipc_export(env, exports, "streamSend", stream_send);
  ipc_export(env, exports, "streamSendStaged", stream_send_staged);
  ipc_export(env, exports, "streamReceive", stream_receive);
}
IPC_MODULE(stream, init)
