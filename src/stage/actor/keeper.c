/*
 * The keeper: an actor that knows every process and every object of a run, and ends and removes them when
 * the run is gone, however it went. Objects are noted before they are made.
 */
#include "actor.h"
#include <errno.h>
#include <mqueue.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct kept kept;
struct kept {
  kept *next;
  int pidfd; // of a process
  const char *kind;
  char *name;
};

static kept *all;

static long remove_file(const char *name) { return unlink(name); }
static long remove_shm(const char *name) { return shm_unlink(name); }
static long remove_mq(const char *name) { return mq_unlink(name); }
static long remove_folder(const char *name) { return rmdir(name); }

static long remove_semaphores(const char *name) {
  int id = semget((key_t)strtol(name, NULL, 10), 0, 0);
  return id < 0 ? id : semctl(id, 0, IPC_RMID);
}

static long remove_queue(const char *name) {
  int id = msgget((key_t)strtol(name, NULL, 10), 0);
  return id < 0 ? id : msgctl(id, IPC_RMID, NULL);
}

static long remove_segment(const char *name) {
  int id = shmget((key_t)strtol(name, NULL, 10), 0, 0);
  return id < 0 ? id : shmctl(id, IPC_RMID, NULL);
}

static const struct {
  const char *kind;
  long (*remove)(const char *name);
} kinds[] = {{"file", remove_file}, {"shm", remove_shm}, {"mq", remove_mq}, {"folder", remove_folder},
             {"sysv-sem", remove_semaphores}, {"sysv-msg", remove_queue}, {"sysv-shm", remove_segment}};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* keep(kind, name), or keep("process", pid) */
static long do_keep(const actor_args *args, actor_reply *reply) {
  (void)reply;
  kept *one = calloc(1, sizeof *one);
  if (one == NULL) actor_fail("calloc");
  one->pidfd = -1;
  if (strcmp(arg_text(args, 0), "process") == 0) {
    one->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)arg_number(args, 1), 0);
    if (one->pidfd < 0) {
      int error = errno;
      free(one);
      return error == ESRCH ? 0 : from_error(error);
    }
  } else {
    for (size_t at = 0; at < KINDS; at++)
      if (strcmp(kinds[at].kind, arg_text(args, 0)) == 0) one->kind = kinds[at].kind;
    if (one->kind == NULL) {
      free(one);
      return from_error(EINVAL);
    }
    one->name = strdup(arg_text(args, 1));
  }
  one->next = all;
  all = one;
  return 0;
}

static long remove_one(const kept *one) {
  for (size_t at = 0; at < KINDS; at++)
    if (one->kind == kinds[at].kind) return kinds[at].remove(one->name);
  return -1;
}

/* discard(kind, name): removes the object and its note; ENOENT where there was none. */
static long do_discard(const actor_args *args, actor_reply *reply) {
  (void)reply;
  for (kept **at = &all; *at != NULL; at = &(*at)->next) {
    kept *one = *at;
    if (one->name == NULL || strcmp(one->kind, arg_text(args, 0)) != 0 || strcmp(one->name, arg_text(args, 1)) != 0) continue;
    *at = one->next;
    long result = remove_one(one);
    int error = errno;
    free(one->name);
    free(one);
    errno = error;
    return result;
  }
  return from_error(EINVAL);
}

/* keeper(): from now on this process outlives its stage until it has removed everything. */
static long do_keeper(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  taint();
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  return prctl(PR_SET_PDEATHSIG, 0);
}

/* Processes first: what they hold they might make again. */
__attribute__((destructor)) static void keep_nothing(void) {
  for (kept *one = all; one != NULL; one = one->next)
    if (one->pidfd >= 0) syscall(SYS_pidfd_send_signal, one->pidfd, SIGKILL, NULL, 0);
  for (kept *one = all; one != NULL; one = one->next)
    if (one->name != NULL) remove_one(one);
}

ACTOR_CALLS(keeper, {"keep", do_keep}, {"discard", do_discard}, {"keeper", do_keeper})
