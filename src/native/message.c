// Messages over descriptors: datagrams and sequenced packets of sockets, packets of pipes (pipe(2), O_DIRECT).
//
// A receive brings as many messages as are there, each to a slot of its own; those behind the first wait there
// for the next receives. Who waits and finds each message alone gets one at a time, but for a look now and then.
// A message that is likely to be large is received straight into the caller's memory, and alone.
#include "calls.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS 16
// So much of each message JavaScript sees without a call.
#define SEEN 128
#define STAGED 64
// What a slot has room for: on a default Linux no sender gets a longer message through (unix sockets: twice
// net.core.wmem_max). A slot's memory costs nothing until it is touched. What is added spreads the slots over the
// sets of the processor's cache.
#define ROOM_UNIX (512 * 1024)
#define ROOM_INET (64 * 1024)
#define ROOM_PIPE 4096
#define SPREAD 256
// After a message over this the next is expected to be as large.
#define LARGE 4096
// After so many receives of one message each, one is asked for; and all that are there once in so many receives.
#define ALONE 4
#define LOOK 32
#define LONGEST_BATCH 64

// What JavaScript sees, in 4-byte words: the messages in the slots FIRST to LAST - 1 are not yet taken; TAKEN
// is the slot of the one taken last; DRAINED, whether the last system call took all that was there. SIZE and WAITS
// are arguments and RESULT is the result of the calls that short messages take: as numbers of JavaScript's they
// would cost as much as the call. From SLOT on four words a slot. Then the message of messageSendStaged, then what
// is seen of each slot's message. core/message-endpoint.ts has the same order.
enum { FIRST, LAST, TAKEN, DRAINED, SIZE, WAITS, RESULT, SLOT = 8 };
enum { LENGTH, CREDENTIALS, PID, UID, SLOT_WORDS };
enum { STAGE = SLOT + SLOTS * SLOT_WORDS };
#define TOLD (STAGE * sizeof(int32_t) + STAGED + SLOTS * SEEN)
// Instead of a LENGTH: from whom nothing is wanted; longer than there was room for.
enum { IGNORED = -1, CUT = -2 };

typedef union {
  struct cmsghdr align;
  uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
} control;

typedef struct {
  int fd;
  bool blocks; // the description's mode, as it was set here last
} end;

typedef struct {
  end in, out;
  bool pipe, inet, seqpacket, credentials;
  bool ended;
  bool single;     // this kernel cannot look without waiting
  int gone;        // the errno that told of the peer's end
  size_t expected; // the length of the message before
  unsigned alone, looks;
  int limit_ms;    // of a receive that waits, as it was told to the kernel last; 0: none
  int32_t *told;
  uint8_t *seen;
  size_t room;     // of a slot
  uint8_t *memory; // the slots; NULL before the first receive
  struct mmsghdr headers[SLOTS];
  struct iovec parts[SLOTS];
  control controls[SLOTS];
  struct sockaddr_storage senders[SLOTS];
  // Messages from this address alone, or all but those.
  struct sockaddr_storage known;
  socklen_t known_length;
  bool only;
} messages;

static const char tag;

static size_t memory_size(const messages *self) { return SLOTS * (self->room + SPREAD); }

static void messages_free(void *object) {
  messages *self = object;
  if (self->memory != NULL) munmap(self->memory, memory_size(self));
  free(self);
}

static int32_t *slot_of(const messages *self, int slot) { return self->told + SLOT + slot * SLOT_WORDS; }
static uint8_t *memory_of(const messages *self, int slot) { return self->memory + (size_t)slot * (self->room + SPREAD); }

// What a system call may have changed is as it was again.
static void reset_header(messages *self, int slot) {
  struct msghdr *header = &self->headers[slot].msg_hdr;
  *header = (struct msghdr){.msg_iov = &self->parts[slot], .msg_iovlen = 1};
  if (self->inet) {
    header->msg_name = &self->senders[slot];
    header->msg_namelen = sizeof self->senders[slot];
  } else if (self->credentials) {
    header->msg_control = &self->controls[slot];
    header->msg_controllen = sizeof self->controls[slot];
  }
}

// 0, or -errno.
static int make_slots(messages *self) {
  size_t size = memory_size(self);
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  madvise(memory, size, MADV_NOHUGEPAGE); // a page a slot, where it is needed
  self->memory = memory;
  for (int slot = 0; slot < SLOTS; slot++) {
    self->parts[slot] = (struct iovec){memory_of(self, slot), self->room};
    reset_header(self, slot);
  }
  return 0;
}

// 0, or -errno: from now on the descriptor blocks, or (a socket's has MSG_DONTWAIT) does not.
static int set_mode(const messages *self, end *at, bool blocks) {
  if (at->blocks == blocks || (!self->pipe && at->blocks)) return 0;
  int flags = fcntl(at->fd, F_GETFL);
  if (flags < 0 || fcntl(at->fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0) return -errno;
  at->blocks = blocks;
  return 0;
}

// ---- receiving ----------------------------------------------------------------------------------

static void read_control(struct msghdr *header, int32_t *told) {
  told[CREDENTIALS] = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_RIGHTS) ipc_close_rights(part);
    if (part->cmsg_type != SCM_CREDENTIALS || part->cmsg_len < CMSG_LEN(sizeof(struct ucred))) continue;
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(part), sizeof sender);
    told[CREDENTIALS] = 1;
    told[PID] = sender.pid;
    told[UID] = (int32_t)sender.uid;
  }
}

// Whether to take a message of whose sender the slot has an address of `length` bytes.
static bool is_wanted(const messages *self, int slot, socklen_t length) {
  if (self->known_length == 0) return true;
  bool known = length == self->known_length && memcmp(&self->senders[slot], &self->known, length) == 0;
  return known == self->only;
}

// A message of `length` bytes came with the header of this slot: false where it is the end. A record of a
// sequenced-packet socket has a time (SO_TIMESTAMP), for which the header has no room, or credentials; the end of
// them has neither.
static bool take_note(messages *self, int slot, size_t length) {
  struct msghdr *header = &self->headers[slot].msg_hdr;
  int32_t *told = slot_of(self, slot);
  if (self->credentials) read_control(header, told);
  if (length == 0 && self->seqpacket && !told[CREDENTIALS] && !(header->msg_flags & MSG_CTRUNC)) return false;
  told[LENGTH] = header->msg_flags & MSG_TRUNC ? CUT : is_wanted(self, slot, header->msg_namelen) ? (int32_t)length : IGNORED;
  self->expected = length;
  return true;
}

static void show(messages *self, int slot, size_t length) {
  memcpy(self->seen + slot * SEEN, memory_of(self, slot), length < SEEN ? length : SEEN);
  self->told[LAST] = slot + 1;
}

static bool is_loss(int error) {
  return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN || error == EPIPE;
}

// After a call that failed: 0 where it is to be made again, else -errno. The kernel tells that the peer is gone
// before it hands over what the peer had sent.
// A wait with a limit ends with a signal, too: the kernel would begin it anew.
static int failed(messages *self, int error) {
  if (error == EINTR) return self->limit_ms > 0 ? -EAGAIN : 0;
  if (is_loss(error) && self->gone == 0) {
    self->gone = error;
    return 0;
  }
  return error == EAGAIN && self->gone != 0 ? -self->gone : -error;
}

static int flags_of(const messages *self, bool waits) {
  return MSG_CMSG_CLOEXEC | (waits && self->gone == 0 ? 0 : MSG_DONTWAIT);
}

// One message by the first header: 1, or -errno.
static int receive_one(messages *self, bool waits) {
  for (;;) {
    ssize_t n = ipc_recvmsg(self->in.fd, &self->headers[0].msg_hdr, flags_of(self, waits));
    if (n >= 0) {
      self->headers[0].msg_len = (unsigned)n;
      return 1;
    }
    int error = failed(self, errno);
    if (error < 0) return error;
  }
}

// All that are there, one at least: how many, or -errno.
static int receive_all(messages *self, bool waits) {
  for (;;) {
    int64_t n = ipc_recvmmsg(self->in.fd, self->headers, SLOTS, flags_of(self, waits) | MSG_WAITFORONE);
    if (n >= 0) return (int)n;
    int error = failed(self, errno);
    if (error < 0) return error;
  }
}

// The same without a header, which costs more than its message: of sockets whose messages come with an address at most.
static int receive_plain(messages *self, bool waits) {
  for (;;) {
    socklen_t length = sizeof self->senders[0];
    struct sockaddr *sender = self->inet ? (struct sockaddr *)&self->senders[0] : NULL;
    int64_t n = ipc_recvfrom(self->in.fd, memory_of(self, 0), self->room, flags_of(self, waits) | MSG_TRUNC, sender, &length);
    if (n >= 0) {
      bool cut = (size_t)n > self->room;
      self->expected = (size_t)n;
      slot_of(self, 0)[LENGTH] = cut ? CUT : is_wanted(self, 0, length) ? (int32_t)n : IGNORED;
      show(self, 0, cut ? 0 : (size_t)n);
      return 1;
    }
    int error = failed(self, errno);
    if (error < 0) return error;
  }
}

static int fetch_datagrams(messages *self, bool all, bool waits) {
  if (!all && !self->seqpacket && !self->credentials) return receive_plain(self, waits);
  int came = all ? receive_all(self, waits) : receive_one(self, waits);
  for (int slot = 0; slot < came; slot++) {
    size_t length = self->headers[slot].msg_len;
    if (take_note(self, slot, length)) show(self, slot, length);
    else self->ended = true;
    reset_header(self, slot);
  }
  return came;
}

// One read(2) a packet: the first may wait, the others must not.
static int fetch_packets(messages *self, bool all) {
  int came = 0, want = all ? SLOTS : 1;
  while (came < want) {
    struct iovec *part = &self->parts[came];
    ssize_t n = came > 0 && self->in.blocks ? preadv2(self->in.fd, part, 1, -1, RWF_NOWAIT)
                                            : ipc_read(self->in.fd, part->iov_base, part->iov_len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && came > 0) {
      self->single = errno == EOPNOTSUPP || errno == ENOSYS;
      break;
    }
    if (n < 0) return -errno;
    if (n == 0) {
      self->ended = true;
      break;
    }
    slot_of(self, came)[LENGTH] = (int32_t)n;
    show(self, came++, (size_t)n);
  }
  return came;
}

// Fills the slots: 0, or -errno. Waits for the first message, where it may.
static int fetch(messages *self, bool waits) {
  bool all = !self->single && (!waits || self->alone < ALONE || ++self->looks % LOOK == 0);
  self->told[FIRST] = self->told[LAST] = 0;
  int came = self->pipe ? fetch_packets(self, all) : fetch_datagrams(self, all, waits);
  self->told[DRAINED] = !self->ended && self->gone == 0 && came < (all ? SLOTS : 1);
  if (came < 0) return came;
  if (came > 1) self->alone = 0;
  else if (self->alone < ALONE) self->alone++;
  return 0;
}

// Receives one message straight into `target`: its length, -EINPROGRESS where that is not the end of it. What does
// not fit lies in the first slot then.
static int64_t receive_large(messages *self, uint8_t *target, size_t room, bool waits) {
  size_t here = room < self->room ? room : self->room;
  struct iovec parts[2] = {{target, room}, {memory_of(self, 0) + here, self->room - here}};
  struct msghdr *header = &self->headers[0].msg_hdr;
  header->msg_iov = parts;
  header->msg_iovlen = 2;
  self->told[FIRST] = self->told[LAST] = self->told[DRAINED] = 0;
  int came = receive_one(self, waits);
  size_t length = self->headers[0].msg_len;
  if (came > 0) self->ended = !take_note(self, 0, length);
  reset_header(self, 0);
  if (came < 0) return came;
  if (self->ended) return -EINPROGRESS;
  if (slot_of(self, 0)[LENGTH] >= 0 && length <= room) {
    self->told[TAKEN] = 0;
    return (int64_t)length;
  }
  memcpy(memory_of(self, 0), target, here);
  show(self, 0, length);
  return -EINPROGRESS;
}

// The next message in the slots: its length, -EMSGSIZE, -EOVERFLOW where it was cut, -EINPROGRESS where none is.
static int64_t take(messages *self, uint8_t *target, size_t room) {
  int32_t *told = self->told;
  while (told[FIRST] < told[LAST]) {
    int slot = told[FIRST];
    int32_t length = slot_of(self, slot)[LENGTH];
    if (length >= 0 && (size_t)length > room) return -EMSGSIZE;
    told[FIRST]++;
    if (length == IGNORED) continue;
    if (length == CUT) return -EOVERFLOW;
    memcpy(target, memory_of(self, slot), (size_t)length);
    told[TAKEN] = slot;
    return length;
  }
  return -EINPROGRESS;
}

// Before a system call: 0, -ENODATA at the end, or -errno. Of a pipe the kernel takes no limit: with one it does not wait.
static int begin_receive(messages *self, int wait_ms, bool *waits) {
  if (self->ended) return self->gone != 0 ? -self->gone : -ENODATA;
  int error = self->memory == NULL ? make_slots(self) : 0;
  *waits = wait_ms < 0 || (wait_ms > 0 && !self->pipe);
  if (error == 0 && (self->pipe || *waits)) error = set_mode(self, &self->in, *waits);
  int limit = wait_ms > 0 ? wait_ms : 0;
  if (error < 0 || !*waits || self->pipe || limit == self->limit_ms) return error;
  struct timeval value = {limit / 1000, limit % 1000 * 1000};
  if (setsockopt(self->in.fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) < 0) return -errno;
  self->limit_ms = limit;
  return 0;
}

static int64_t receive(messages *self, uint8_t *target, size_t room, int wait_ms) {
  for (;;) {
    bool waits;
    int64_t result = take(self, target, room);
    if (result != -EINPROGRESS) return result;
    result = begin_receive(self, wait_ms, &waits);
    if (result < 0) return result;
    if (self->expected > LARGE && room >= self->expected) {
      result = receive_large(self, target, room, waits);
      if (result != -EINPROGRESS) return result;
    } else {
      result = fetch(self, waits);
      if (result < 0) return result;
    }
  }
}

// ---- sending ------------------------------------------------------------------------------------

static int64_t put(messages *self, const uint8_t *data, size_t length, bool waits) {
  if (self->pipe || waits) {
    int error = set_mode(self, &self->out, waits);
    if (error < 0) return error;
  }
  ssize_t n;
  do n = self->pipe ? ipc_write(self->out.fd, data, length) : ipc_send(self->out.fd, data, length, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
  while (n < 0 && errno == EINTR);
  return ipc_result(n);
}

// The messages from `at` to `stop`, each behind its length: how many of these bytes were sent, or -errno where none
// was. Never waits.
static int64_t put_batch(messages *self, const uint8_t *at, const uint8_t *stop) {
  const uint8_t *start = at;
  while (at < stop) {
    struct mmsghdr headers[LONGEST_BATCH];
    struct iovec parts[LONGEST_BATCH];
    const uint8_t *next = at;
    int count = 0;
    while (next < stop && count < LONGEST_BATCH) {
      uint32_t length;
      if ((size_t)(stop - next) < sizeof length) return -EINVAL;
      memcpy(&length, next, sizeof length);
      next += sizeof length;
      if ((size_t)(stop - next) < length) return -EINVAL;
      parts[count] = (struct iovec){(void *)next, length};
      headers[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1}};
      next += length;
      count++;
    }
    int64_t sent = 0;
    if (!self->pipe) {
      do sent = sendmmsg(self->out.fd, headers, (unsigned)count, MSG_NOSIGNAL | MSG_DONTWAIT);
      while (sent < 0 && errno == EINTR);
      sent = ipc_result(sent);
    } else {
      int64_t n = 0;
      while (sent < count && (n = put(self, parts[sent].iov_base, parts[sent].iov_len, false)) >= 0) sent++;
      if (sent == 0) sent = n;
    }
    if (sent < 0) return at > start ? at - start : sent;
    for (int i = 0; i < sent; i++) at += sizeof(uint32_t) + parts[i].iov_len;
    if (sent < count) break;
  }
  return at - start;
}

// ---- for JavaScript -----------------------------------------------------------------------------

static int option_of(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

// 0, or -errno.
static int find_kind(messages *self) {
  struct stat kind;
  int fd = self->in.fd >= 0 ? self->in.fd : self->out.fd, on = 1;
  if (fstat(fd, &kind) < 0) return -errno;
  self->pipe = S_ISFIFO(kind.st_mode);
  self->room = ROOM_PIPE;
  if (self->pipe) return 0;
  int domain = option_of(fd, SO_DOMAIN), type = option_of(fd, SO_TYPE), credentials = option_of(fd, SO_PASSCRED);
  if (domain < 0 || type < 0) return domain < 0 ? domain : type;
  self->inet = domain != AF_UNIX;
  self->room = self->inet ? ROOM_INET : ROOM_UNIX;
  self->credentials = !self->inet && credentials > 0;
  self->seqpacket = type == SOCK_SEQPACKET;
  // Either tells a record from the end. A time costs a receive alone, credentials cost the peer's sends as well.
  if (!self->seqpacket || self->credentials) return 0;
  return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on) < 0 ? -errno : 0;
}

// messageOpen(readFd, writeFd, told: Int32Array, address?, only): a handle that borrows both; they may be the
// same, or -1. Both are non-blocking. SO_PASSCRED, where it is wanted, is set before. With an address (a sockaddr)
// messages from it alone (`only` of 1) or from all others count. The caller keeps `told` alive while it uses the
// handle.
static napi_value message_open(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int read_fd, write_fd, only;
  uint8_t *told, *address;
  size_t length, address_length;
  if (!ipc_args(env, info, 5, argv) || !ipc_get_int(env, argv[0], &read_fd) || !ipc_get_int(env, argv[1], &write_fd) ||
      !ipc_get_bytes(env, argv[2], &told, &length) || !ipc_get_bytes(env, argv[3], &address, &address_length) ||
      !ipc_get_int(env, argv[4], &only))
    return NULL;
  if (length < TOLD || (uintptr_t)told % _Alignof(int32_t) != 0 || address_length > sizeof(struct sockaddr_storage))
    return ipc_int(env, -EINVAL);
  messages *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  self->in.fd = read_fd;
  self->out.fd = write_fd;
  int error = find_kind(self);
  if (error < 0) {
    free(self);
    return ipc_int(env, error);
  }
  self->told = (int32_t *)(void *)told;
  self->seen = told + STAGE * sizeof(int32_t) + STAGED;
  self->only = only == 1;
  self->known_length = (socklen_t)address_length;
  if (address_length > 0) memcpy(&self->known, address, address_length);
  return ipc_int(env, ipc_handle_add(env, &tag, self, messages_free));
}

static napi_value message_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

// messageSend(messages, data, waits): one message. With `waits` of 1 it waits for room.
static napi_value message_send(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  uint8_t *data;
  size_t length;
  int waits;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_bytes(env, argv[1], &data, &length) || !ipc_get_int(env, argv[2], &waits))
    return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  return ipc_int(env, self == NULL ? -EBADF : put(self, data, length, waits));
}

// messageSendStaged(messages): the same for a short message, SIZE bytes that lie in `told`, with WAITS; the RESULT is
// there, too. V8 keeps a short array inside its heap; handing it over would move it out, with a malloc(3) a message.
static napi_value message_send_staged(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return NULL;
  int32_t *told = self->told;
  bool fits = told[SIZE] >= 0 && told[SIZE] <= STAGED;
  told[RESULT] = fits ? (int32_t)put(self, (uint8_t *)(told + STAGE), (size_t)told[SIZE], told[WAITS]) : -EMSGSIZE;
  return NULL;
}

// messageSendBatch(messages, batch, from, to): the messages between these offsets, each behind its length in four
// bytes of the processor's order, with as few system calls as there can be. How many of these bytes were sent.
static napi_value message_send_batch(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  uint8_t *batch;
  size_t length;
  int from, to;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_bytes(env, argv[1], &batch, &length) || !ipc_get_int(env, argv[2], &from) ||
      !ipc_get_int(env, argv[3], &to))
    return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (from < 0 || to < from || (size_t)to > length) return ipc_int(env, -EINVAL);
  return ipc_int(env, put_batch(self, batch + from, batch + to));
}

// messageReceive(messages, target, waitMs): waits for so many ms at most; 0 never waits, a negative number has no limit. The length of the next message, or -EMSGSIZE where it does not fit and
// stays; -ENODATA at the end; -EOVERFLOW where it was longer than any slot, and cut; -EAGAIN.
static napi_value message_receive(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  uint8_t *target;
  size_t room;
  int wait_ms;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_bytes(env, argv[1], &target, &room) || !ipc_get_int(env, argv[2], &wait_ms))
    return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  return ipc_int(env, self == NULL ? -EBADF : receive(self, target, room, wait_ms));
}

// messageFetch(messages): fills the empty slots; WAITS is as its waitMs. RESULT: 0, or as messageReceive.
static napi_value message_fetch(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return NULL;
  bool waits;
  int error = begin_receive(self, self->told[WAITS], &waits);
  self->told[RESULT] = error < 0 ? error : fetch(self, waits);
  return NULL;
}

// messageSender(messages, slot, out): the address from which the message in this slot came, as the kernel writes it.
// Its length.
static napi_value message_sender(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int slot;
  uint8_t *out;
  size_t room;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[1], &slot) || !ipc_get_bytes(env, argv[2], &out, &room))
    return NULL;
  messages *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (slot < 0 || slot >= SLOTS || !self->inet) return ipc_int(env, -EINVAL);
  const struct sockaddr_storage *sender = &self->senders[slot];
  size_t length = sender->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  if (length > room) return ipc_int(env, -EINVAL);
  memcpy(out, sender, length);
  return ipc_int(env, (int64_t)length);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "messageOpen", message_open);
  ipc_export(env, exports, "messageClose", message_close);
  ipc_export(env, exports, "messageSend", message_send);
  ipc_export(env, exports, "messageSendStaged", message_send_staged);
  ipc_export(env, exports, "messageSendBatch", message_send_batch);
  ipc_export(env, exports, "messageReceive", message_receive);
  ipc_export(env, exports, "messageFetch", message_fetch);
  ipc_export(env, exports, "messageSender", message_sender);
}
IPC_MODULE(message, init)
