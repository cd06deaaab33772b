// POSIX message queues, mq_overview(7), and System V message queues, sysvipc(7).
#include "native.h"
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>

// ---- POSIX ------------------------------------------------------------------------------------
// On Linux a queue descriptor is a file descriptor: it is polled, statted and closed as one.

#define MQ_NAME_BYTES 260

// Opened blocking: a call that must not wait says so by a time that is over.
static const struct timespec over = {0, 0};

// mqOpen(name, flags, mode, maxMessages, maxMessageBytes): always close-on-exec. The limits and the mode (set past
// the umask) are for a queue that this call makes.
static napi_value mq_open_(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  char name[MQ_NAME_BYTES];
  int flags, mode, messages, bytes;
  if (!ipc_args(env, info, 5, argv) || !ipc_get_string(env, argv[0], name, sizeof name) ||
      !ipc_get_int(env, argv[1], &flags) || !ipc_get_int(env, argv[2], &mode) || !ipc_get_int(env, argv[3], &messages) ||
      !ipc_get_int(env, argv[4], &bytes))
    return NULL;
  struct mq_attr limits = {.mq_maxmsg = messages, .mq_msgsize = bytes};
  int fd;
  do fd = mq_open(name, flags | O_CLOEXEC, (mode_t)mode & 0600, &limits);
  while (fd < 0 && errno == EINTR);
  fd = ipc_fd_own(env, fd);
  if (fd >= 0 && (flags & O_CREAT) && fchmod(fd, (mode_t)mode) < 0) {
    int error = errno;
    ipc_fd_close(env, fd);
    mq_unlink(name);
    return ipc_int(env, -error);
  }
  return ipc_int(env, fd);
}

// mqLimits(fd, out: Int32Array(2)): out = [mq_maxmsg, mq_msgsize].
static napi_value mq_limits(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t *out;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &out, &length))
    return NULL;
  struct mq_attr attributes;
  if (length < 2 * sizeof(int32_t)) return ipc_int(env, -EINVAL);
  if (mq_getattr(fd, &attributes) < 0) return ipc_int(env, -errno);
  int32_t limits[2] = {(int32_t)attributes.mq_maxmsg, (int32_t)attributes.mq_msgsize};
  memcpy(out, limits, sizeof limits);
  return ipc_int(env, 0);
}

// mqSend(fd, data, priority, waits): 0; -EAGAIN where the queue is full and `waits` is 0. A signal ends no wait.
static napi_value mq_send_(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, priority, waits;
  uint8_t *data;
  size_t length;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &data, &length) ||
      !ipc_get_int(env, argv[2], &priority) || !ipc_get_int(env, argv[3], &waits))
    return NULL;
  int result;
  do
    result = waits ? mq_send(fd, (const char *)data, length, (unsigned)priority)
                   : mq_timedsend(fd, (const char *)data, length, (unsigned)priority, &over);
  while (result < 0 && errno == EINTR);
  return ipc_int(env, result < 0 && errno == ETIMEDOUT ? -EAGAIN : ipc_result(result));
}

// mqReceive(fd, target, waits): the length of a message, with its priority (if any) times 2^32 added; -EAGAIN where
// the queue is empty and `waits` is 0; -EMSGSIZE where the target is smaller than mq_msgsize. A signal ends no wait.
static napi_value mq_receive_(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd, waits;
  uint8_t *target;
  size_t length;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_bytes(env, argv[1], &target, &length) ||
      !ipc_get_int(env, argv[2], &waits))
    return NULL;
  unsigned priority = 0;
  ssize_t n;
  do
    n = waits ? mq_receive(fd, (char *)target, length, &priority)
              : mq_timedreceive(fd, (char *)target, length, &priority, &over);
  while (n < 0 && errno == EINTR);
  if (n < 0) return ipc_int(env, errno == ETIMEDOUT ? -EAGAIN : -errno);
  return ipc_int(env, (int64_t)((uint64_t)priority << 32) + n);
}

// mqRemove(fd, name): removes the name while it still is the name of this queue; else -ENOENT. Of
// several processes that try, one gets 0.
static napi_value mq_remove(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  char name[MQ_NAME_BYTES];
  struct stat stat;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_string(env, argv[1], name, sizeof name))
    return NULL;
  if (fstat(fd, &stat) < 0) return ipc_int(env, -errno);
  if (stat.st_nlink == 0) return ipc_int(env, -ENOENT);
  return ipc_int(env, ipc_result(mq_unlink(name)));
}

static napi_value mq_unlink_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  char name[MQ_NAME_BYTES];
  if (!ipc_args(env, info, 1, argv) || !ipc_get_string(env, argv[0], name, sizeof name)) return NULL;
  return ipc_int(env, ipc_result(mq_unlink(name)));
}

// mqIdentity(name, out: Float64Array(3)): out = [device, inode, ms of the last change]; every message is a change.
static napi_value mq_identity(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  char name[MQ_NAME_BYTES];
  uint8_t *out;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_string(env, argv[0], name, sizeof name) ||
      !ipc_get_bytes(env, argv[1], &out, &length))
    return NULL;
  if (length < 3 * sizeof(double)) return ipc_int(env, -EINVAL);
  mqd_t queue = mq_open(name, O_RDONLY | O_CLOEXEC);
  if (queue < 0) return ipc_int(env, -errno);
  struct stat stat;
  int error = fstat(queue, &stat) < 0 ? errno : 0;
  mq_close(queue);
  if (error != 0) return ipc_int(env, -error);
  double changed = (double)stat.st_ctim.tv_sec * 1e3 + (double)stat.st_ctim.tv_nsec / 1e6;
  double identity[3] = {(double)stat.st_dev, (double)stat.st_ino, changed};
  memcpy(out, identity, sizeof identity);
  return ipc_int(env, 0);
}

// ---- System V ---------------------------------------------------------------------------------

typedef struct {
  long type;
  char text[];
} message;

#define SMALL_MESSAGE 8192

// msqOpen(key, flags): the identifier. Mode bits are part of the flags, and no umask applies to them.
static napi_value msq_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int key, flags;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &key) || !ipc_get_int(env, argv[1], &flags)) return NULL;
  return ipc_int(env, ipc_result(msgget((key_t)key, flags)));
}

// msqStat(id, out: Float64Array(3)): out = [msg_ctime, msg_stime, msg_qbytes].
static napi_value msq_stat(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id;
  uint8_t *out;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_bytes(env, argv[1], &out, &length))
    return NULL;
  struct msqid_ds state;
  if (length < 3 * sizeof(double)) return ipc_int(env, -EINVAL);
  if (msgctl(id, IPC_STAT, &state) < 0) return ipc_int(env, -errno);
  double values[3] = {(double)state.msg_ctime, (double)state.msg_stime, (double)state.msg_qbytes};
  memcpy(out, values, sizeof values);
  return ipc_int(env, 0);
}

static napi_value msq_remove(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  return ipc_int(env, ipc_result(msgctl(id, IPC_RMID, NULL)));
}

// msqSend(id, type, data, waits): 0; -EAGAIN where there is no room and `waits` is 0. A signal ends no wait.
static napi_value msq_send(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int id, waits;
  int64_t type;
  uint8_t *data;
  size_t length;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int64(env, argv[1], &type) ||
      !ipc_get_bytes(env, argv[2], &data, &length) || !ipc_get_int(env, argv[3], &waits))
    return NULL;
  _Alignas(message) char small[sizeof(message) + SMALL_MESSAGE];
  message *whole = length <= SMALL_MESSAGE ? (message *)small : malloc(sizeof(message) + length);
  if (whole == NULL) return ipc_int(env, -ENOMEM);
  whole->type = (long)type;
  if (length > 0) memcpy(whole->text, data, length);
  int result;
  do result = msgsnd(id, whole, length, waits ? 0 : IPC_NOWAIT);
  while (result < 0 && errno == EINTR);
  int64_t answer = ipc_result(result);
  if (whole != (message *)small) free(whole);
  return ipc_int(env, answer);
}

// msqTake(id, type): takes one empty message of that type off; -ENOMSG where there is none.
static napi_value msq_take(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id;
  int64_t type;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int64(env, argv[1], &type)) return NULL;
  message taken;
  ssize_t n;
  do n = msgrcv(id, &taken, 0, (long)type, IPC_NOWAIT);
  while (n < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(n));
}

// One receiving side: a buffer that holds at most one message, filled by its thread or by msqReceive.
typedef struct {
  int id;
  long type;
  size_t size;
  int64_t held; // the length of the message in the buffer, or -1
  message *buffer;
} receiver;

static void receiver_free(void *object) {
  receiver *self = object;
  free(self->buffer);
  free(self);
}

static int64_t receiver_wait(void *arg, const atomic_bool *cancelled) {
  receiver *self = arg;
  if (self->held >= 0) return 0;
  ssize_t n;
  // msgrcv(2) is never restarted after a signal, whatever SA_RESTART says.
  do {
    if (atomic_load(cancelled)) return -ECANCELED;
    n = msgrcv(self->id, self->buffer, self->size, self->type, 0);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  self->held = n;
  return 0;
}

// msqReceiver(id, type, size): a waiter whose wait ends when a message is in its buffer.
static napi_value msq_receiver(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int id, size;
  int64_t type;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int64(env, argv[1], &type) ||
      !ipc_get_int(env, argv[2], &size))
    return NULL;
  if (size < 0) return ipc_int(env, -EINVAL);
  receiver *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  *self = (receiver){id, (long)type, (size_t)size, -1, malloc(sizeof(message) + (size_t)size)};
  if (self->buffer == NULL) {
    free(self);
    return ipc_int(env, -ENOMEM);
  }
  return ipc_int(env, ipc_waiter_open(env, receiver_wait, self, receiver_free));
}

// msqReceive(receiver, target, waits): the message in the buffer, or else the queue's next, for which it waits on
// this thread where `waits` is 1. -E2BIG leaves it in the buffer. A signal ends no wait.
static napi_value msq_receive(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  uint8_t *target;
  size_t length;
  int waits;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_bytes(env, argv[1], &target, &length) || !ipc_get_int(env, argv[2], &waits))
    return NULL;
  receiver *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EAGAIN);
  if (self->held < 0) {
    ssize_t n;
    do n = msgrcv(self->id, self->buffer, self->size, self->type, waits ? 0 : IPC_NOWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) return ipc_int(env, errno == ENOMSG ? -EAGAIN : -errno);
    self->held = n;
  }
  if ((uint64_t)self->held > length) return ipc_int(env, -E2BIG);
  int64_t n = self->held;
  if (n > 0) memcpy(target, self->buffer->text, (size_t)n);
  self->held = -1;
  return ipc_int(env, n);
}

// msqHeld(receiver): the length of the message in the buffer; -EAGAIN where there is none.
static napi_value msq_held(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = ipc_waiter_arg(env, argv[0]);
  return ipc_int(env, self == NULL || self->held < 0 ? -EAGAIN : self->held);
}

// msqReturn(receiver): the message in the buffer, which nobody received, goes to the end of the queue.
static napi_value msq_return(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL || self->held < 0) return ipc_int(env, -EAGAIN);
  int result;
  do result = msgsnd(self->id, self->buffer, (size_t)self->held, IPC_NOWAIT);
  while (result < 0 && errno == EINTR);
  if (result == 0) self->held = -1;
  return ipc_int(env, ipc_result(result));
}

typedef struct {
  int id;
  size_t size;
} room;

#define FIRST_LOOK_NS 20000
#define LONGEST_LOOK_NS 2000000

// The kernel has no wait for room that does not also send, and what is sent while an abort is under way
// cannot be taken back. So the thread looks at the queue's counters, less and less often.
static int64_t room_wait(void *arg, const atomic_bool *cancelled) {
  room *self = arg;
  struct timespec pause = {0, FIRST_LOOK_NS};
  for (;;) {
    struct msqid_ds state;
    if (msgctl(self->id, IPC_STAT, &state) < 0) return -errno;
    // As the kernel's msg_fits_inqueue().
    if (self->size + state.__msg_cbytes <= state.msg_qbytes && 1 + state.msg_qnum <= state.msg_qbytes) return 0;
    if (atomic_load(cancelled)) return -ECANCELED;
    nanosleep(&pause, NULL);
    if (pause.tv_nsec < LONGEST_LOOK_NS) pause.tv_nsec *= 2;
  }
}

// msqRoom(id): a waiter whose wait ends when msqRoomFor's number of bytes fits into the queue.
static napi_value msq_room(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  room *self = malloc(sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  *self = (room){id, 0};
  return ipc_int(env, ipc_waiter_open(env, room_wait, self, free));
}

static napi_value msq_room_for(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int size;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &size)) return NULL;
  room *self = ipc_waiter_arg(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBUSY);
  self->size = (size_t)size;
  return ipc_int(env, 0);
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "mqOpen", mq_open_);
  ipc_export(env, exports, "mqLimits", mq_limits);
  ipc_export(env, exports, "mqSend", mq_send_);
  ipc_export(env, exports, "mqReceive", mq_receive_);
  ipc_export(env, exports, "mqRemove", mq_remove);
  ipc_export(env, exports, "mqUnlink", mq_unlink_);
  ipc_export(env, exports, "mqIdentity", mq_identity);
  ipc_export(env, exports, "msqOpen", msq_open);
  ipc_export(env, exports, "msqStat", msq_stat);
  ipc_export(env, exports, "msqRemove", msq_remove);
  ipc_export(env, exports, "msqSend", msq_send);
  ipc_export(env, exports, "msqTake", msq_take);
  ipc_export(env, exports, "msqReceiver", msq_receiver);
  ipc_export(env, exports, "msqReceive", msq_receive);
  ipc_export(env, exports, "msqHeld", msq_held);
  ipc_export(env, exports, "msqReturn", msq_return);
  ipc_export(env, exports, "msqRoom", msq_room);
  ipc_export(env, exports, "msqRoomFor", msq_room_for);
}
IPC_MODULE(message_queue, init)
