/* Semaphores of POSIX, by address, and of System V, by id. */
#include "actor.h"
#include "deadline.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/sem.h>

/* sem_open(name, flags, mode, value) answers an address. */
static long do_sem_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  sem_t *made = sem_open(arg_text(args, 0), (int)arg_number(args, 1), (mode_t)arg_number(args, 2), (unsigned)arg_number(args, 3));
  return made == SEM_FAILED ? -1 : (long)made;
}

static long do_sem_close(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return sem_close(arg_pointer(args, 0));
}

static long do_sem_unlink(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return sem_unlink(arg_text(args, 0));
}

static long do_sem_post(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return sem_post(arg_pointer(args, 0));
}

static long do_sem_wait(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return sem_wait(arg_pointer(args, 0));
}

static long do_sem_trywait(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return sem_trywait(arg_pointer(args, 0));
}

/* sem_timedwait(semaphore, ms from now) */
static long do_sem_timedwait(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct timespec deadline = deadline_in(arg_number(args, 1));
  return sem_timedwait(arg_pointer(args, 0), &deadline);
}

static long do_sem_getvalue(const actor_args *args, actor_reply *reply) {
  int value = 0;
  long result = sem_getvalue(arg_pointer(args, 0), &value);
  if (result >= 0) reply_number(reply, "value", value);
  return result;
}

/* semget(key, count, flags) */
static long do_semget(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return semget((key_t)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2));
}

/* semctl(id, index, command, value): of commands that take a number or nothing. */
static long do_semctl(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return semctl((int)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2), (int)arg_number(args, 3));
}

enum { MAX_OPERATIONS = 8 };

static size_t operations_of(const actor_args *args, size_t first, struct sembuf *into) {
  size_t count = 0;
  for (size_t at = first; at + 2 < arg_count(args) && count < MAX_OPERATIONS; at += 3)
    into[count++] = (struct sembuf){.sem_num = (unsigned short)arg_number(args, at),
                                    .sem_op = (short)arg_number(args, at + 1),
                                    .sem_flg = (short)arg_number(args, at + 2)};
  for (size_t at = 0; at < count; at++)
    if (into[at].sem_flg & SEM_UNDO) taint();
  return count;
}

/* semop(id, index, change, flags, …): as many operations as there are threes. */
static long do_semop(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct sembuf operations[MAX_OPERATIONS];
  size_t count = operations_of(args, 1, operations);
  return semop((int)arg_number(args, 0), operations, count);
}

/* semtimedop(id, ms, index, change, flags, …) */
static long do_semtimedop(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct sembuf operations[MAX_OPERATIONS];
  size_t count = operations_of(args, 2, operations);
  struct timespec limit = duration_of(arg_number(args, 1));
  return semtimedop((int)arg_number(args, 0), operations, count, &limit);
}

ACTOR_CALLS(semaphores, {"sem_open", do_sem_open}, {"sem_close", do_sem_close}, {"sem_unlink", do_sem_unlink}, {"sem_post", do_sem_post},
            {"sem_wait", do_sem_wait}, {"sem_trywait", do_sem_trywait}, {"sem_timedwait", do_sem_timedwait},
            {"sem_getvalue", do_sem_getvalue}, {"semget", do_semget}, {"semctl", do_semctl}, {"semop", do_semop},
            {"semtimedop", do_semtimedop})
