/* Message queues of POSIX and of System V. */
#include "actor.h"
#include "deadline.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/msg.h>

/* mq_open(name, flags, mode, messages, bytes a message); 0 messages: the defaults of the system. */
static long do_mq_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct mq_attr attributes = {.mq_maxmsg = arg_number(args, 3), .mq_msgsize = arg_number(args, 4)};
  return mq_open(arg_text(args, 0), (int)arg_number(args, 1), (mode_t)arg_number(args, 2), attributes.mq_maxmsg == 0 ? NULL : &attributes);
}

static long do_mq_close(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return mq_close((mqd_t)arg_number(args, 0));
}

static long do_mq_unlink(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return mq_unlink(arg_text(args, 0));
}

/* mq_send(queue, bytes, priority) */
static long do_mq_send(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const char *data = arg_bytes(args, 1, &length);
  return mq_send((mqd_t)arg_number(args, 0), data, length, (unsigned)arg_number(args, 2));
}

/* mq_timedsend(queue, bytes, priority, ms) */
static long do_mq_timedsend(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const char *data = arg_bytes(args, 1, &length);
  struct timespec deadline = deadline_in(arg_number(args, 3));
  return mq_timedsend((mqd_t)arg_number(args, 0), data, length, (unsigned)arg_number(args, 2), &deadline);
}

/* mq_timedsend_until(queue, bytes, priority, seconds, nanoseconds): the deadline as it stands, valid or not. */
static long do_mq_timedsend_until(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const char *data = arg_bytes(args, 1, &length);
  struct timespec deadline = {.tv_sec = arg_number(args, 3), .tv_nsec = arg_number(args, 4)};
  return mq_timedsend((mqd_t)arg_number(args, 0), data, length, (unsigned)arg_number(args, 2), &deadline);
}

static long told(long result, const void *data, unsigned priority, actor_reply *reply) {
  if (result < 0) return result;
  reply_bytes(reply, "data", data, (size_t)result);
  reply_number(reply, "priority", priority);
  return result;
}

/* mq_receive(queue, room) */
static long do_mq_receive(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  char *data = scratch(room);
  unsigned priority = 0;
  return told(mq_receive((mqd_t)arg_number(args, 0), data, room, &priority), data, priority, reply);
}

/* mq_timedreceive(queue, room, ms) */
static long do_mq_timedreceive(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  char *data = scratch(room);
  unsigned priority = 0;
  struct timespec deadline = deadline_in(arg_number(args, 2));
  return told(mq_timedreceive((mqd_t)arg_number(args, 0), data, room, &priority, &deadline), data, priority, reply);
}

static long do_mq_getattr(const actor_args *args, actor_reply *reply) {
  struct mq_attr attributes;
  long result = mq_getattr((mqd_t)arg_number(args, 0), &attributes);
  if (result < 0) return result;
  reply_number(reply, "flags", attributes.mq_flags);
  reply_number(reply, "maxmsg", attributes.mq_maxmsg);
  reply_number(reply, "msgsize", attributes.mq_msgsize);
  reply_number(reply, "curmsgs", attributes.mq_curmsgs);
  return result;
}

/* mq_notify(queue, signal); 0 withdraws. */
static long do_mq_notify(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = (int)arg_number(args, 1)};
  return mq_notify((mqd_t)arg_number(args, 0), event.sigev_signo == 0 ? NULL : &event);
}

static long do_msgget(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return msgget((key_t)arg_number(args, 0), (int)arg_number(args, 1));
}

struct message {
  long type;
  char text[];
};

/* msgsnd(id, type, bytes, flags) */
static long do_msgsnd(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *data = arg_bytes(args, 2, &length);
  struct message *sent = scratch(sizeof *sent + length);
  sent->type = arg_number(args, 1);
  memcpy(sent->text, data, length);
  return msgsnd((int)arg_number(args, 0), sent, length, (int)arg_number(args, 3));
}

/* msgrcv(id, room, type, flags) */
static long do_msgrcv(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  struct message *received = scratch(sizeof *received + room);
  long result = msgrcv((int)arg_number(args, 0), received, room, arg_number(args, 2), (int)arg_number(args, 3));
  if (result < 0) return result;
  reply_bytes(reply, "data", received->text, (size_t)result);
  reply_number(reply, "type", received->type);
  return result;
}

/* msgctl(id, command): IPC_RMID, or IPC_STAT, which tells. */
static long do_msgctl(const actor_args *args, actor_reply *reply) {
  struct msqid_ds state = {0};
  long result = msgctl((int)arg_number(args, 0), (int)arg_number(args, 1), &state);
  if (result < 0 || arg_number(args, 1) != IPC_STAT) return result;
  reply_number(reply, "messages", (int64_t)state.msg_qnum);
  reply_number(reply, "bytes", (int64_t)state.__msg_cbytes);
  reply_number(reply, "limit", (int64_t)state.msg_qbytes);
  reply_number(reply, "sender", state.msg_lspid);
  reply_number(reply, "receiver", state.msg_lrpid);
  return result;
}

ACTOR_CALLS(queues, {"mq_open", do_mq_open}, {"mq_close", do_mq_close}, {"mq_unlink", do_mq_unlink}, {"mq_send", do_mq_send},
            {"mq_timedsend", do_mq_timedsend}, {"mq_timedsend_until", do_mq_timedsend_until}, {"mq_receive", do_mq_receive},
            {"mq_timedreceive", do_mq_timedreceive}, {"mq_getattr", do_mq_getattr}, {"mq_notify", do_mq_notify}, {"msgget", do_msgget},
            {"msgsnd", do_msgsnd}, {"msgrcv", do_msgrcv}, {"msgctl", do_msgctl})
