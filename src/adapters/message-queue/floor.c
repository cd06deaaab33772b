// POSIX message queues, mq_overview(7), and System V message queues, msgop(2); two to a channel.
#include "descriptor.h"
#include "helper.h"
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

// ---- POSIX: on Linux a queue descriptor is a file descriptor --------------------------------------

// What queues have by default, here and in the adapters.
#define MOST_MESSAGES 10
#define MOST_BYTES 8192

static void open_queue(int number, int *reading, int *writing) {
  char name[64];
  struct mq_attr limits = {.mq_maxmsg = MOST_MESSAGES, .mq_msgsize = MOST_BYTES};
  snprintf(name, sizeof name, "/ipc-floor-%d.%d", (int)getpid(), number);
  *reading = (int)floor_check(mq_open(name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &limits), "mq_open");
  *writing = (int)mq_open(name, O_WRONLY | O_CLOEXEC);
  int error = errno;
  floor_check(mq_unlink(name), "mq_unlink");
  errno = error;
  floor_check(*writing, "mq_open");
}

static void posix_create(floor_end ends[2]) {
  open_queue(0, &ends[FLOOR_PING].in, &ends[FLOOR_PONG].out);
  open_queue(1, &ends[FLOOR_PONG].in, &ends[FLOOR_PING].out);
}

static void posix_open(floor_end *end) { end->state = floor_allocate(MOST_BYTES); }

static void posix_close(floor_end *end) { free(end->state); }

static ssize_t posix_put(int fd, const void *from, size_t length) { return mq_send(fd, from, length, 0); }
static ssize_t posix_take(int fd, void *to, size_t room) { return mq_receive(fd, to, room, NULL); }

static void posix_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  descriptor_send(end, posix_put, data, length);
}

static ssize_t posix_receive(floor_end *end, const uint8_t **data, bool wait) {
  *data = end->state;
  return descriptor_receive(end, posix_take, end->state, MOST_BYTES, wait);
}

// ---- System V -------------------------------------------------------------------------------------

#define TYPE 1

typedef struct {
  long type;
  uint8_t text[];
} message;

typedef struct {
  int ids[2]; // to ping, to pong
  message *sent, *received;
  helper *helper;
} queues;

static void remove_queue(int id) { msgctl(id, IPC_RMID, NULL); }

static void sysv_create(floor_end ends[2]) {
  queues *self = floor_allocate(sizeof *self);
  for (int i = 0; i < 2; i++) {
    self->ids[i] = (int)floor_check(msgget(IPC_PRIVATE, 0600), "msgget");
    floor_guard(remove_queue, self->ids[i]);
    ends[i].state = self; // a copy in each process
  }
}

static ssize_t sysv_take(const queues *self, const floor_end *end, message *to, int flags) {
  ssize_t n;
  // msgrcv(2) is never restarted after a signal, whatever SA_RESTART says.
  do n = msgrcv(self->ids[end->side], to, floor_longest(end->order), 0, flags);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == ENOMSG) return FLOOR_NOTHING;
  return floor_check(n, "msgrcv");
}

static ssize_t helper_takes(const floor_end *end, void *to) { return sysv_take(end->state, end, to, 0); }

static void sysv_open(floor_end *end) {
  queues *self = end->state;
  size_t room = (sizeof(message) + floor_longest(end->order) + 15) & ~15ul;
  self->sent = floor_allocate(room);
  self->received = floor_allocate(room);
  if (end->order->wait == FLOOR_POLL) self->helper = helper_start(end, helper_takes, room);
}

static void sysv_close(floor_end *end) {
  queues *self = end->state;
  if (self->helper != NULL) helper_stop(self->helper);
  free(self->received);
  free(self->sent);
  free(self);
}

static void sysv_send(floor_end *end, const void *data, size_t length, bool more) {
  (void)more;
  queues *self = end->state;
  self->sent->type = TYPE;
  memcpy(self->sent->text, data, length);
  int result;
  do result = msgsnd(self->ids[1 - end->side], self->sent, length, 0);
  while (result < 0 && errno == EINTR);
  floor_check(result, "msgsnd");
}

static ssize_t sysv_receive(floor_end *end, const uint8_t **data, bool wait) {
  queues *self = end->state;
  if (self->helper != NULL) {
    ssize_t n = helper_receive(self->helper, end, data, wait);
    if (n >= 0) *data += sizeof(message);
    return n;
  }
  *data = self->received->text;
  return sysv_take(self, end, self->received, wait ? 0 : IPC_NOWAIT);
}

const floor_variant floor_variants[] = {
    {.variant = "posix", .most = MOST_BYTES, .create = posix_create, .open = posix_open, .send = posix_send, .receive = posix_receive, .close = posix_close},
    {.variant = "posix-mq", .most = MOST_BYTES, .create = posix_create, .open = posix_open, .send = posix_send, .receive = posix_receive, .close = posix_close},
    {.variant = "sysv", .most = 8192, .create = sysv_create, .open = sysv_open, .send = sysv_send, .receive = sysv_receive, .close = sysv_close},
    {.variant = NULL},
};
