/* Signals: sent, held, waited for, handled. */
#include "actor.h"
#include "deadline.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_HANDLED = 4096 };

typedef struct {
  int number, value, code;
  pid_t sender;
  uid_t uid;
} handled;

static handled log_of_handler[MAX_HANDLED];
static volatile sig_atomic_t handled_count;

static void note(int number, siginfo_t *info, void *context) {
  (void)context;
  if (handled_count < MAX_HANDLED)
    log_of_handler[handled_count++] = (handled){number, info->si_value.sival_int, info->si_code, info->si_pid, info->si_uid};
}

/* Every argument from `first` on is a signal. */
static sigset_t set_from(const actor_args *args, size_t first) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t at = first; at < arg_count(args); at++) sigaddset(&set, (int)arg_number(args, at));
  return set;
}

static void tell(actor_reply *reply, const handled *one) {
  reply_number(reply, "signal", one->number);
  reply_number(reply, "value", one->value);
  reply_number(reply, "code", one->code);
  reply_number(reply, "sender", one->sender);
  reply_number(reply, "uid", one->uid);
}

static long do_kill(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return kill((pid_t)arg_number(args, 0), (int)arg_number(args, 1));
}

/* How many signals may be pending where no experiment has set a limit. */
static rlim_t allowed;

void make_room_for_signals(void) {
  struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_SIGPENDING, &limit) < 0 && getrlimit(RLIMIT_SIGPENDING, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_SIGPENDING, &limit);
  }
  allowed = limit.rlim_cur;
}

/* Whether it was others of the user who left no room, and no limit of an experiment. */
static bool crowded_out(pid_t target) {
  struct rlimit limit;
  return prlimit(target, RLIMIT_SIGPENDING, NULL, &limit) == 0 && limit.rlim_cur == allowed;
}

enum { PATIENCE_MS = 10000, LOOK_MS = 1 };

/* sigqueue(pid, signal, value): where other processes of the user have used up what may be pending, it waits for room. */
static long do_sigqueue(const actor_args *args, actor_reply *reply) {
  (void)reply;
  pid_t target = (pid_t)arg_number(args, 0);
  const struct timespec look = duration_of(LOOK_MS);
  for (int64_t waited = 0;; waited += LOOK_MS) {
    long result = sigqueue(target, (int)arg_number(args, 1), (union sigval){.sival_int = (int)arg_number(args, 2)});
    if (result == 0 || errno != EAGAIN) return result;
    if (waited >= PATIENCE_MS || !crowded_out(target)) return from_error(EAGAIN);
    nanosleep(&look, NULL);
  }
}

/* sigprocmask(how, signal…) */
static long do_sigprocmask(const actor_args *args, actor_reply *reply) {
  (void)reply;
  sigset_t set = set_from(args, 1);
  return sigprocmask((int)arg_number(args, 0), &set, NULL);
}

/* handle(signal, flags, 1 where all others wait meanwhile): a handler that notes what came. */
static long do_handle(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | (int)arg_number(args, 1)};
  if (arg_number(args, 2) != 0) sigfillset(&action.sa_mask);
  return sigaction((int)arg_number(args, 0), &action, NULL);
}

static long disposition(const actor_args *args, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  return sigaction((int)arg_number(args, 0), &action, NULL);
}

static long do_ignore(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return disposition(args, SIG_IGN);
}

static long do_default(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return disposition(args, SIG_DFL);
}

/* disposition(signal): 0 default, 1 ignored, 2 handled. */
static long do_disposition(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct sigaction action;
  if (sigaction((int)arg_number(args, 0), NULL, &action) < 0) return -1;
  return action.sa_handler == SIG_DFL ? 0 : action.sa_handler == SIG_IGN ? 1 : 2;
}

/* What handlers noted since the last time; answers how many. */
static long do_handled(const actor_args *args, actor_reply *reply) {
  (void)args;
  long count = handled_count;
  for (long at = 0; at < count; at++) tell(reply, &log_of_handler[at]);
  handled_count = 0;
  return count;
}

/* sigpending(signal) and sigblocked(signal): 1 or 0. */
static long do_sigpending(const actor_args *args, actor_reply *reply) {
  (void)reply;
  sigset_t set;
  return sigpending(&set) < 0 ? -1 : sigismember(&set, (int)arg_number(args, 0));
}

static long do_sigblocked(const actor_args *args, actor_reply *reply) {
  (void)reply;
  sigset_t set;
  return sigprocmask(SIG_BLOCK, NULL, &set) < 0 ? -1 : sigismember(&set, (int)arg_number(args, 0));
}

/* sigtimedwait(ms, signal…); less than 0 ms: for ever. */
static long do_sigtimedwait(const actor_args *args, actor_reply *reply) {
  sigset_t set = set_from(args, 1);
  int64_t ms = arg_number(args, 0);
  struct timespec limit = duration_of(ms);
  siginfo_t info;
  long result = sigtimedwait(&set, &info, ms < 0 ? NULL : &limit);
  if (result > 0) tell(reply, &(handled){info.si_signo, info.si_value.sival_int, info.si_code, info.si_pid, info.si_uid});
  return result;
}

static long do_signalfd(const actor_args *args, actor_reply *reply) {
  (void)reply;
  sigset_t set = set_from(args, 1);
  return signalfd(-1, &set, (int)arg_number(args, 0));
}

static long do_pause(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  return pause();
}

static long do_pidfd_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return syscall(SYS_pidfd_open, (pid_t)arg_number(args, 0), 0);
}

static long do_pidfd_send_signal(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return syscall(SYS_pidfd_send_signal, (int)arg_number(args, 0), (int)arg_number(args, 1), NULL, 0);
}

/* The signals that the kernel numbers from SIGRTMIN as the C library leaves them. */
static long do_sigrtmin(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  return SIGRTMIN;
}

ACTOR_CALLS(signals, {"kill", do_kill}, {"sigqueue", do_sigqueue}, {"sigprocmask", do_sigprocmask}, {"handle", do_handle},
            {"ignore", do_ignore}, {"default", do_default}, {"disposition", do_disposition}, {"handled", do_handled},
            {"sigpending", do_sigpending}, {"sigblocked", do_sigblocked}, {"sigtimedwait", do_sigtimedwait}, {"signalfd", do_signalfd},
            {"pause", do_pause}, {"pidfd_open", do_pidfd_open}, {"pidfd_send_signal", do_pidfd_send_signal}, {"sigrtmin", do_sigrtmin})
