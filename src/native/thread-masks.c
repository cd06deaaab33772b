// Blocking signals in every thread of the process: pthread_sigmask(3) changes the calling thread's mask alone, and
// the threads of Node.js (its pool, V8's workers, inspector) run long before this addon.
//
// Life of a change, under the caller's lock:
//   ipc_threads_block  [any thread]    reads the threads and their masks from /proc/self/task
//   tgkill             [any thread]    sends IPC_REMASK to each that lets a signal through
//   remask             [that thread]   changes the mask that it returns to: sigreturn(2) sets it
//   sem_post           [that thread]   says so; the caller waits until it has returned from there
// and so on until a look finds nothing to do, for a thread that was looked at late has its mask from who began it.
//
// Who has blocked IPC_REMASK, too, has blocked everything: for good, or while it begins a thread or a process. It
// finds the request pending when it lets signals through again, and nobody waits for it.
#include "signals.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define KICK_MS 1
#define HUNG_KICKS 1000
#define PASSES 100
#define STATUS_BYTES 4096

// What every thread shall have blocked; what one of them shall have no more, and who that is.
static _Atomic ipc_signals blocked;
static struct {
  _Atomic pid_t tid;
  ipc_signals unblock;
  sem_t done;
} request;
static struct sigaction previous;

// Threads that had blocked some of them by themselves.
static struct own {
  pid_t tid;
  ipc_signals numbers;
} *owns;
static size_t own_count;

static pid_t this_thread(void) { return (pid_t)syscall(SYS_gettid); }

static void change(sigset_t *mask, ipc_signals numbers, int (*how)(sigset_t *, int)) {
  for (int number = 1; numbers != 0; number++, numbers >>= 1)
    if (numbers & 1) how(mask, number);
}

static void remask(int number, siginfo_t *info, void *context) {
  int saved = errno;
  sigset_t *mask = &((ucontext_t *)context)->uc_sigmask;
  change(mask, atomic_load(&blocked), sigaddset);
  pid_t self = this_thread();
  if (atomic_compare_exchange_strong(&request.tid, &self, 0)) {
    change(mask, request.unblock, sigdelset);
    sem_post(&request.done);
  } else if (info->si_code != SI_TKILL || info->si_pid != getpid()) { // somebody else's
    if (previous.sa_flags & SA_SIGINFO)
      previous.sa_sigaction(number, info, context);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
      previous.sa_handler(number);
  }
  errno = saved;
}

// Again at every change, for process.on may have come between.
static int install(void) {
  struct sigaction action = {.sa_sigaction = remask, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK}, before;
  sigfillset(&action.sa_mask);
  if (sigaction(IPC_REMASK, NULL, &before) < 0) return -errno;
  if ((before.sa_flags & SA_SIGINFO) && before.sa_sigaction == remask) return 0;
  previous = before;
  return sigaction(IPC_REMASK, &action, NULL) < 0 ? -errno : 0;
}

static void uninstall(void) {
  struct sigaction now;
  if (sigaction(IPC_REMASK, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == remask)
    sigaction(IPC_REMASK, &previous, NULL);
}

// What proc_pid_status(5) has of a thread; false where it has ended.
static bool status_of(pid_t tid, char status[STATUS_BYTES]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n;
  do n = read(fd, status, STATUS_BYTES - 1);
  while (n < 0 && errno == EINTR);
  close(fd);
  if (n <= 0) return false;
  status[n] = 0;
  return true;
}

static const char *field_of(const char *status, const char *name) {
  const char *at = strstr(status, name);
  return at == NULL ? "" : at + strlen(name);
}

// False where the thread has ended.
static bool mask_of(pid_t tid, ipc_signals *mask) {
  char status[STATUS_BYTES];
  if (!status_of(tid, status)) return false;
  const char *text = field_of(status, "\nSigBlk:");
  *mask = strtoull(text, NULL, 16);
  return *text != 0;
}

// It sleeps where no signal wakes it, or is stopped. A thread that can run gets there, however busy the machine is.
static bool hangs(pid_t tid) {
  char status[STATUS_BYTES];
  return !status_of(tid, status) || strchr("DTtZX", field_of(status, "\nState:\t")[0]) != NULL;
}

// The mask is changed when the thread has returned from `remask`, where it has blocked everything. Bounded, for it may
// block everything by itself next.
static void await_return(pid_t tid) {
  static const struct timespec moment = {0, KICK_MS * 1000000L};
  ipc_signals mask;
  for (int i = 0; i < HUNG_KICKS && mask_of(tid, &mask) && (mask & ipc_signal_bit(IPC_REMASK)) != 0; i++)
    if (i < 10) sched_yield();
    else nanosleep(&moment, NULL);
}

// Whether the thread has done it.
static bool kick(pid_t tid, ipc_signals unblock) {
  request.unblock = unblock;
  atomic_store(&request.tid, tid);
  for (int hung = 0; hung < HUNG_KICKS && syscall(SYS_tgkill, getpid(), tid, IPC_REMASK) == 0; hung += hangs(tid)) {
    struct timespec until;
    ipc_deadline(KICK_MS, &until);
    int result;
    do result = sem_clockwait(&request.done, CLOCK_MONOTONIC, &until);
    while (result < 0 && errno == EINTR);
    if (result == 0) {
      await_return(tid);
      return true;
    }
  }
  // It has ended, or hangs inside the kernel, and will do what it can by itself.
  pid_t late = tid;
  if (atomic_compare_exchange_strong(&request.tid, &late, 0)) return false;
  while (sem_wait(&request.done) < 0) continue; // just now
  await_return(tid);
  return true;
}

static void change_this(ipc_signals numbers, int how) {
  sigset_t set;
  sigemptyset(&set);
  change(&set, numbers, sigaddset);
  pthread_sigmask(how, &set, NULL);
}

static int remember(pid_t tid, ipc_signals numbers) {
  struct own *grown = realloc(owns, (own_count + 1) * sizeof *owns);
  if (grown == NULL) return -ENOMEM;
  owns = grown;
  owns[own_count++] = (struct own){tid, numbers};
  return 0;
}

static ipc_signals own_of(pid_t tid) {
  ipc_signals numbers = 0;
  for (size_t i = 0; i < own_count; i++)
    if (owns[i].tid == tid) numbers |= owns[i].numbers;
  return numbers;
}

static void forget(ipc_signals numbers) {
  size_t kept = 0;
  for (size_t i = 0; i < own_count; i++) {
    owns[i].numbers &= ~numbers;
    if (owns[i].numbers != 0) owns[kept++] = owns[i];
  }
  own_count = kept;
}

// One look at every thread: how many were changed, or -errno. `first`: what they have blocked is their own.
static int pass(ipc_signals numbers, bool blocking, bool first) {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return -errno;
  int changed = 0;
  for (struct dirent *entry; changed >= 0 && (entry = readdir(tasks)) != NULL;) {
    pid_t tid = (pid_t)atoi(entry->d_name);
    ipc_signals mask;
    if (tid <= 0 || !mask_of(tid, &mask)) continue;
    bool everything = (mask & ipc_signal_bit(IPC_REMASK)) != 0;
    if (first && (mask & numbers) != 0 && !everything && remember(tid, mask & numbers) < 0) {
      changed = -ENOMEM;
      break;
    }
    ipc_signals wrong = blocking ? numbers & ~mask : numbers & mask & ~own_of(tid);
    if (everything && tid != this_thread()) {
      if (first) syscall(SYS_tgkill, getpid(), tid, IPC_REMASK);
    } else if (wrong != 0 && tid == this_thread()) {
      change_this(wrong, blocking ? SIG_BLOCK : SIG_UNBLOCK);
    } else if (wrong != 0 && kick(tid, blocking ? 0 : wrong)) {
      changed++;
    }
  }
  closedir(tasks);
  return changed;
}

static int pass_until_done(ipc_signals numbers, bool blocking) {
  int changed = pass(numbers, blocking, blocking);
  for (int i = 0; i < PASSES && changed > 0; i++) changed = pass(numbers, blocking, false);
  return changed < 0 ? changed : 0;
}

int ipc_threads_block(ipc_signals numbers) {
  static bool ready;
  if (!ready && sem_init(&request.done, 0, 0) < 0) return -errno;
  ready = true;
  int error = install();
  if (error < 0) return error;
  atomic_fetch_or(&blocked, numbers);
  error = pass_until_done(numbers, true);
  if (error < 0) ipc_threads_unblock(numbers);
  return error;
}

void ipc_threads_unblock(ipc_signals numbers) {
  if (atomic_fetch_and(&blocked, ~numbers) == 0) return;
  install();
  pass_until_done(numbers, false);
  forget(numbers);
  if (atomic_load(&blocked) != 0) return;
  uninstall();
  free(owns);
  owns = NULL;
}
