// Signals to the whole process, taken in the order of the kernel, and sent. signal(7), sigwaitinfo(2),
// pidfd_send_signal(2).
//
// A handler would be simpler and wrong: the kernel runs it in whichever thread is at hand, in several at one time,
// so that queued signals change their order. Here a signal that anybody takes is blocked in every thread, stays
// pending for the process, interrupts nothing, and one thread takes it. Dispositions stay as they are: who handles
// the number beside (process.on) is called by that thread.
//
// Life of a taker, in call order:
//   signalsOpen    [JS thread]      blocks its signals in all threads; starts the thread if this is the first taker
//   sigtimedwait   [taking thread]  takes a signal that every taker of it has room for into the queue of each
//   (eventfd)      [taking thread]  readable while the queue holds anything
//   signalsTake    [JS thread]      empties the queue in batches
//   signalsDrain   [JS thread]      the same, after the thread has taken what is pending now
//   signalsClose   [JS thread]      drops what is pending; unblocks what nobody else takes; the last one ends the
//                                   thread; also at the environment's end
//
// A full queue leaves its signals to the kernel, where standard ones become one and of real-time ones the sender is
// told EAGAIN: nothing is lost. The thread is woken by SIGSTKFLT, as in adapters/signal/native.c.
#include "signals.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPACITY 1024
#define FIELDS 5 // signal, pid, uid, value, whether it has a value
#define WAKE SIGSTKFLT
#define SIGNALS 64
// So many are dropped at most when the last taker closes: a sender that never stops shall not hold it up.
#define MOST_DROPPED (1 << 17)

typedef struct {
  int32_t field[FIELDS];
} record;

typedef struct taker {
  struct taker *next;
  ipc_signals numbers;
  int event_fd;
  size_t first, count;
  record queue[CAPACITY];
} taker;

static const char tag;
static const struct timespec now = {0, 0};

// Held while takers come and go.
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static unsigned channels[SIGNALS + 1];
static pthread_t thread;

// Held by the thread, too, but for its wait.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static taker *takers;
static pid_t thread_tid; // 0 while there is none
static bool quit;
static uint64_t rounds, drains_asked, drains_done;

// ---- the taking thread ------------------------------------------------------------------------

void ipc_signal_handle(int number, siginfo_t *info) {
  struct sigaction handler;
  sigset_t all, before;
  sigfillset(&all); // as in a handler
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // One that is for once is Node's own for SIGINT and SIGTERM, which ends the process.
  if (sigaction(number, NULL, &handler) == 0 && !(handler.sa_flags & (int)SA_RESETHAND)) {
    if (handler.sa_flags & SA_SIGINFO)
      handler.sa_sigaction(number, info, NULL);
    else if (handler.sa_handler != SIG_DFL && handler.sa_handler != SIG_IGN)
      handler.sa_handler(number);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// Which of the fields of a siginfo_t mean something: sigaction(2).
static record record_of(int number, const siginfo_t *info) {
  int code = info->si_code;
  bool queued = code < 0 && code != SI_TKILL && code != SI_SIGIO;
  bool sender = (queued && code != SI_TIMER) || code == SI_USER || code == SI_TKILL || (number == SIGCHLD && code > 0 && code != SI_KERNEL);
  return (record){{number, sender ? info->si_pid : 0, sender ? (int32_t)info->si_uid : 0,
                   queued ? info->si_value.sival_int : 0, queued}};
}

static void push(taker *self, record entry) {
  self->queue[(self->first + self->count) % CAPACITY] = entry;
  if (self->count++ > 0) return;
  uint64_t one = 1;
  // Cannot fail: the counter is at most 1, the descriptor is ours.
  if (write(self->event_fd, &one, sizeof one) < 0) abort();
}

// What all takers have room for.
static ipc_signals waited(void) {
  ipc_signals numbers = 0, full = 0;
  for (taker *self = takers; self != NULL; self = self->next) {
    numbers |= self->numbers;
    if (self->count == CAPACITY) full |= self->numbers;
  }
  return numbers & ~full;
}

static sigset_t set_of(ipc_signals numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (int number = 1; number <= SIGNALS; number++)
    if (numbers & ipc_signal_bit(number)) sigaddset(&set, number);
  return set;
}

static void *take(void *unused) {
  (void)unused;
  prctl(PR_SET_NAME, "ipc-signals");
  pthread_mutex_lock(&lock);
  thread_tid = (pid_t)syscall(SYS_gettid);
  pthread_cond_broadcast(&changed);
  while (!quit) {
    uint64_t asked = drains_asked;
    bool draining = asked != drains_done;
    sigset_t set = set_of(waited());
    sigaddset(&set, WAKE);
    rounds++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    siginfo_t info;
    int number = sigtimedwait(&set, &info, draining ? &now : NULL);
    bool nothing = number < 0 && errno == EAGAIN;
    bool signal = number > 0 && number != WAKE;
    if (signal) ipc_signal_handle(number, &info);
    pthread_mutex_lock(&lock);
    if (draining && nothing) drains_done = asked;
    for (taker *self = takers; signal && self != NULL; self = self->next)
      if (self->numbers & ipc_signal_bit(number)) push(self, record_of(number, &info));
  }
  thread_tid = 0;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void wake(void) {
  // The thread lives until it is joined; a standard signal is never refused.
  syscall(SYS_tgkill, getpid(), thread_tid, WAKE);
}

// 0 or -errno. Once it has its number.
static int start(void) {
  sigset_t all, before;
  sigfillset(&all);
  quit = false;
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, NULL, take, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) return -error;
  pthread_mutex_lock(&lock);
  while (thread_tid == 0) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return 0;
}

static void stop(void) {
  pthread_mutex_lock(&lock);
  quit = true;
  wake();
  pthread_mutex_unlock(&lock);
  pthread_join(thread, NULL);
}

// ---- takers -----------------------------------------------------------------------------------

static ipc_signals taken(void) {
  ipc_signals numbers = 0;
  for (taker *self = takers; self != NULL; self = self->next) numbers |= self->numbers;
  return numbers;
}

// What came while they were taken never meets whatever else happens to such signals here.
static void drop(ipc_signals numbers) {
  sigset_t set = set_of(numbers);
  siginfo_t info;
  for (int i = 0; i < MOST_DROPPED; i++) {
    int number = sigtimedwait(&set, &info, &now);
    if (number < 0 && errno != EINTR) return;
    if (number > 0) ipc_signal_handle(number, &info);
  }
}

static void taker_release(void *object) {
  taker *self = object;
  pthread_mutex_lock(&gate);
  pthread_mutex_lock(&lock);
  taker **link = &takers;
  while (*link != self) link = &(*link)->next;
  *link = self->next;
  ipc_signals freed = self->numbers & ~taken();
  bool last = takers == NULL;
  // Until the thread waits for what is left.
  uint64_t round = rounds;
  wake();
  while (rounds == round) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  if (freed != 0) {
    drop(freed);
    ipc_threads_unblock(freed);
  }
  if (last) stop();
  pthread_mutex_unlock(&gate);
  close(self->event_fd);
  free(self);
}

// signalsOpen(numbers: Uint8Array): a handle; -EBUSY where a channel of this process is over one of them, -errno.
static napi_value signals_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  uint8_t *numbers;
  size_t length;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_bytes(env, argv[0], &numbers, &length)) return NULL;
  taker *self = calloc(1, sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  int error = 0;
  pthread_mutex_lock(&gate);
  for (size_t i = 0; i < length && error == 0; i++) {
    if (numbers[i] < 1 || numbers[i] > SIGNALS) error = -EINVAL;
    else if (channels[numbers[i]] > 0) error = -EBUSY;
    else self->numbers |= ipc_signal_bit(numbers[i]);
  }
  if (error == 0 && (self->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) error = -errno;
  if (error < 0) {
    pthread_mutex_unlock(&gate);
    free(self);
    return ipc_int(env, error);
  }
  bool first = takers == NULL;
  if (first) error = start();
  if (error == 0) {
    error = ipc_threads_block(self->numbers & ~taken());
    if (error < 0 && first) stop();
  }
  if (error == 0) {
    pthread_mutex_lock(&lock);
    self->next = takers;
    takers = self;
    wake();
    pthread_mutex_unlock(&lock);
  }
  pthread_mutex_unlock(&gate);
  if (error == 0) return ipc_int(env, ipc_handle_add(env, &tag, self, taker_release));
  close(self->event_fd);
  free(self);
  return ipc_int(env, error);
}

static taker *taker_of(napi_env env, napi_value value) { return ipc_handle_get(env, value, &tag); }

// signalsFd(taker): readable while signalsTake has something.
static napi_value signals_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  taker *self = taker_of(env, argv[0]);
  return ipc_int(env, self == NULL ? -EBADF : self->event_fd);
}

static napi_value moved(napi_env env, napi_callback_info info, bool draining) {
  napi_value argv[2];
  uint8_t *out;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_bytes(env, argv[1], &out, &length)) return NULL;
  taker *self = taker_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  size_t room = length / sizeof(record), count = 0;
  pthread_mutex_lock(&lock);
  if (draining) {
    uint64_t mine = ++drains_asked;
    wake();
    while (self->count == 0 && drains_done < mine) pthread_cond_wait(&changed, &lock);
  }
  bool was_full = self->count == CAPACITY;
  for (; count < room && self->count > 0; count++, self->count--) {
    memcpy(out + count * sizeof(record), &self->queue[self->first], sizeof(record));
    self->first = (self->first + 1) % CAPACITY;
  }
  uint64_t ignored;
  if (count > 0 && self->count == 0 && read(self->event_fd, &ignored, sizeof ignored) < 0) abort(); // as in push
  if (was_full && count > 0) wake();
  pthread_mutex_unlock(&lock);
  return ipc_int(env, (int64_t)count);
}

// signalsTake(taker, records: Int32Array): how many were moved to `records`, five numbers each.
static napi_value signals_take(napi_env env, napi_callback_info info) { return moved(env, info, false); }

// signalsDrain(taker, records): the same, with what is pending now; 0 when there is no more of that.
static napi_value signals_drain(napi_env env, napi_callback_info info) { return moved(env, info, true); }

static napi_value signals_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

int ipc_signal_channel_begin(int number) {
  pthread_mutex_lock(&gate);
  int result = taken() & ipc_signal_bit(number) ? -EBUSY : 0;
  if (result == 0) channels[number]++;
  pthread_mutex_unlock(&gate);
  return result;
}

void ipc_signal_channel_end(int number) {
  pthread_mutex_lock(&gate);
  channels[number]--;
  pthread_mutex_unlock(&gate);
}

// ---- sending ----------------------------------------------------------------------------------

// pidfdSendSignal(pidfd, signal, queued, value): with `queued` of 1 as sigqueue(3), with the value, else as kill(2).
// -ESRCH also of a process that has ended and whose parent has not looked yet; -EAGAIN where the receiver's user has
// RLIMIT_SIGPENDING signals queued.
static napi_value pidfd_send_signal_(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int fd, number, queued, value;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int(env, argv[1], &number) ||
      !ipc_get_int(env, argv[2], &queued) || !ipc_get_int(env, argv[3], &value))
    return NULL;
  siginfo_t sent = {0};
  sent.si_signo = number;
  sent.si_code = SI_QUEUE;
  sent.si_pid = getpid();
  sent.si_uid = getuid();
  sent.si_value.sival_int = value;
  struct pollfd ended = {fd, POLLIN, 0};
  if (poll(&ended, 1, 0) > 0) return ipc_int(env, -ESRCH);
  return ipc_int(env, ipc_result(syscall(SYS_pidfd_send_signal, fd, number, queued ? &sent : NULL, 0)));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "signalsOpen", signals_open);
  ipc_export(env, exports, "signalsFd", signals_fd);
  ipc_export(env, exports, "signalsTake", signals_take);
  ipc_export(env, exports, "signalsDrain", signals_drain);
  ipc_export(env, exports, "signalsClose", signals_close);
  ipc_export(env, exports, "pidfdSendSignal", pidfd_send_signal_);
  ipc_export_int(env, exports, "signalRealtimeMin", SIGRTMIN);
  ipc_export_int(env, exports, "signalRealtimeMax", SIGRTMAX);
}
IPC_MODULE(signals, init)
