// Signals received in order by one thread, and sent to that thread. signal(7), sigwaitinfo(2),
// rt_tgsigqueueinfo(2), signalfd(2).
//
// Life of a receiver, in call order:
//   signalOpen     [JS thread]        starts the thread with all signals blocked in it
//   sigwaitinfo    [receiver thread]  takes signals in the kernel's order into a bounded queue
//   (eventfd)      [receiver thread]  readable while the queue holds anything
//   signalTake     [JS thread]        empties the queue in batches
//   signalMark     [JS thread]        the thread takes all that is pending, then queues a mark
//   signalDirect   [JS thread]        from now on data comes to the JS thread itself, where the signal is blocked
//   signalReceive  [JS thread]        waits for it in sigtimedwait(2); signalTake reads it from a signalfd
//   signalClose    [JS thread]        stops and joins the thread; also at the environment's end
//
// Only the thread that a signal is directed to can take it: what the receiver's thread has taken costs a second
// switch of threads to hand over. So the JS thread takes the data of one channel itself. Of one: a signal of the
// same number that is left pending for another channel would be in its way, and standard ones become one. The
// receiver's thread stays, as the channel's name and life: a sender looks whether it is there.
//
// A full queue stops the thread, so the kernel's own queue fills and senders get EAGAIN: nothing is lost.
// The thread is woken by SIGSTKFLT, which it has blocked and waits for with the rest: it stays pending
// until taken, so one is enough, and unlike a real-time signal it needs no room under RLIMIT_SIGPENDING.
#include "signals.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPACITY 1024
#define FIELDS 5 // signal, pid, uid, value, label
#define DIRECT_BATCH 32
#define WAKE SIGSTKFLT
#define MARK 0 // no signal has this number

typedef struct {
  int32_t field[FIELDS];
} record;

typedef struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed; // started, room, quit
  pid_t tid;
  bool raw; // takes what anybody sends
  bool quit;
  int mark; // asked for; 0 for none
  int event_fd;
  int data_signal;
  sigset_t waited;
  char name[16];
  // The JS thread's.
  pid_t peer, peer_tid, peer_data_tid;
  siginfo_t sent;
  int signal_fd; // -1 where data comes to the receiver's thread
  sigset_t direct; // what the JS thread waits for
  atomic_bool lost;
  size_t first, count;
  record queue[CAPACITY];
} receiver;

static const char tag;

static const struct timespec now = {0, 0};

// Chosen past the two that glibc keeps (32, 33). The lower
// number is delivered first: what announces a channel always precedes its data.
static int control_signal(void) { return SIGRTMIN + 5; }
static int data_signal(void) { return SIGRTMIN + 6; }

// ---- process-directed signals -------------------------------------------------------------------

// The thread that gets what a shell's kill(1) sends to the whole process, by signal number.
static _Atomic pid_t forward_to[65];
static struct sigaction replaced[65];

// rt_tgsigqueueinfo(2) refuses si_code >= 0 for other threads; this says that we passed it on.
#define FORWARDED (-0x4970)
// Of what one channel sends another. The upper half of its value, the label, is the thread of the receiver it is for.
// No program can be sent SI_DETHREAD, and the kernel checks less of a code that it knows.
#define CHANNELED SI_DETHREAD

static void forward(int number, siginfo_t *info, void *context) {
  if (info->si_code == CHANNELED) return; // for a channel that has closed
  int saved = errno;
  pid_t tid = atomic_load(&forward_to[number]);
  if (tid != 0) {
    siginfo_t copy = *info;
    if (info->si_code >= 0) copy.si_value.sival_int = 0;
    copy.si_code = FORWARDED;
    syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, number, &copy);
  }
  struct sigaction *before = &replaced[number];
  if (before->sa_flags & SA_SIGINFO)
    before->sa_sigaction(number, info, context);
  else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
    before->sa_handler(number);
  errno = saved;
}

// Stays for the life of the process: a signal that comes late must not kill it.
static int install(int number) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool installed[65];
  int result = 0;
  pthread_mutex_lock(&lock);
  if (!installed[number]) {
    struct sigaction action = {.sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    result = sigaction(number, NULL, &replaced[number]) < 0 || sigaction(number, &action, NULL) < 0 ? -errno : 0;
    installed[number] = result == 0;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static int32_t value_of(const siginfo_t *info) { return (int32_t)(intptr_t)info->si_value.sival_ptr; }

static void *word_of(int32_t value, int32_t label) {
  return (void *)(uintptr_t)((uint64_t)(uint32_t)label << 32 | (uint32_t)value);
}

static int32_t label_of(const siginfo_t *info) {
  return info->si_code >= 0 ? 0 : (int32_t)((uint64_t)(uintptr_t)info->si_value.sival_ptr >> 32);
}

// What came to the process while this thread waited for its own goes to the handler, which would have got it: ours,
// or that of process.on. At the limit the kernel delivers a standard signal without telling its sender: that may be
// the peer, and stays.
static bool pass_on(int number, siginfo_t *info) {
  if (info->si_code == CHANNELED || (info->si_pid == 0 && number < SIGRTMIN)) return false;
  ipc_signal_handle(number, info);
  return true;
}

// ---- the receiver thread ------------------------------------------------------------------------

static record record_of(int number, const siginfo_t *info) {
  return (record){{number, info->si_pid, (int32_t)info->si_uid, value_of(info), label_of(info)}};
}

static void push(receiver *self, record entry) {
  self->queue[(self->first + self->count) % CAPACITY] = entry;
  if (self->count++ > 0) return;
  uint64_t one = 1;
  // Cannot fail: the counter is at most 1, the descriptor is ours.
  if (write(self->event_fd, &one, sizeof one) < 0) abort();
}

static void *receive(void *data) {
  receiver *self = data;
  prctl(PR_SET_NAME, self->name);
  pthread_mutex_lock(&self->lock);
  self->tid = (pid_t)syscall(SYS_gettid);
  pthread_cond_broadcast(&self->changed);
  while (!self->quit) {
    if (self->count == CAPACITY) {
      pthread_cond_wait(&self->changed, &self->lock);
      continue;
    }
    bool marking = self->mark != 0;
    siginfo_t info;
    pthread_mutex_unlock(&self->lock);
    int number = sigtimedwait(&self->waited, &info, marking ? &now : NULL);
    bool passed_on = number == self->data_signal && !self->raw && pass_on(number, &info);
    pthread_mutex_lock(&self->lock);
    if (number == WAKE || passed_on) continue;
    if (number > 0) {
      push(self, record_of(number, &info));
    } else if (marking && errno == EAGAIN) {
      push(self, (record){{MARK, 0, 0, self->mark, 0}});
      self->mark = 0;
    }
  }
  pthread_mutex_unlock(&self->lock);
  return NULL;
}

static void wake(receiver *self) {
  pthread_cond_broadcast(&self->changed);
  // The thread lives until it is joined; a standard signal is never refused.
  syscall(SYS_tgkill, getpid(), self->tid, WAKE);
}

// ---- the JavaScript thread ------------------------------------------------------------------------

// The receiver whose data this thread takes itself.
static _Thread_local receiver *direct;

// Whether the peer sent it to this channel.
static bool is_ours(const receiver *self, const siginfo_t *info) {
  if (info->si_code == CHANNELED) return info->si_pid == self->peer && label_of(info) == self->tid;
  return info->si_pid == 0 && self->data_signal < SIGRTMIN; // see pass_on
}

// The next signal of the channel, or -1 with EAGAIN, EPIPE after the peer's loss.
static int take_direct(receiver *self, siginfo_t *info, double timeout) {
  struct timespec deadline, left;
  bool bounded = ipc_deadline(timeout, &deadline);
  for (;;) {
    if (atomic_load(&self->lost)) {
      errno = EPIPE;
      return -1;
    }
    int ms = ipc_remaining_ms(bounded, &deadline);
    left = (struct timespec){ms / 1000, (ms % 1000) * 1000000L};
    int number = sigtimedwait(&self->direct, info, bounded ? &left : NULL);
    if (number < 0 && errno != EINTR) return -1;
    if (number != self->data_signal) continue;
    if (is_ours(self, info)) return number;
    pass_on(number, info);
  }
}

static size_t read_direct(receiver *self, record *out, size_t room) {
  struct signalfd_siginfo batch[DIRECT_BATCH];
  ssize_t n;
  do n = read(self->signal_fd, batch, sizeof *batch * (room < DIRECT_BATCH ? room : DIRECT_BATCH));
  while (n < 0 && errno == EINTR);
  size_t taken = 0;
  for (size_t i = 0; n > 0 && i < (size_t)n / sizeof *batch; i++) {
    siginfo_t info = {.si_code = batch[i].ssi_code};
    info.si_pid = (pid_t)batch[i].ssi_pid;
    info.si_uid = batch[i].ssi_uid;
    info.si_value.sival_ptr = (void *)(uintptr_t)batch[i].ssi_ptr;
    if (is_ours(self, &info)) out[taken++] = record_of(self->data_signal, &info);
    else pass_on(self->data_signal, &info);
  }
  return taken;
}

static void drop_pending(const receiver *self) {
  siginfo_t info;
  int number;
  while ((number = sigtimedwait(&self->direct, &info, &now)) > 0 || errno == EINTR)
    if (number == self->data_signal) pass_on(number, &info);
}

// What is pending is dropped. Both signals stay blocked in this thread: who found the receiver's thread just before it
// ended may still send, at any later time, and unblocked it would end the process. What is sent to the process as a
// whole goes to another thread.
static void end_direct(receiver *self) {
  drop_pending(self);
  close(self->signal_fd);
  direct = NULL;
}

static void receiver_release(void *object) {
  receiver *self = object;
  pid_t tid = self->tid;
  atomic_compare_exchange_strong(&forward_to[self->data_signal], &tid, 0);
  pthread_mutex_lock(&self->lock);
  self->quit = true;
  wake(self);
  pthread_mutex_unlock(&self->lock);
  pthread_join(self->thread, NULL);
  // After the thread, without which nobody sends.
  if (direct == self) end_direct(self);
  close(self->event_fd);
  pthread_cond_destroy(&self->changed);
  pthread_mutex_destroy(&self->lock);
  ipc_signal_channel_end(self->data_signal);
  free(self);
}

// signalOpen(dataSignal, threadName, raw): a handle, or -errno: -EBUSY while signals.c takes that number. A raw
// receiver gets what is sent to the process, too.
static napi_value signal_open(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  char name[16];
  int number, raw;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &number) ||
      !ipc_get_string(env, argv[1], name, sizeof name) || !ipc_get_int(env, argv[2], &raw))
    return NULL;
  if (number != data_signal() && number != SIGUSR2) return ipc_int(env, -EINVAL);
  int error = install(number);
  if (error == 0) error = install(control_signal());
  if (error == 0) error = ipc_signal_channel_begin(number);
  if (error < 0) return ipc_int(env, error);
  receiver *self = calloc(1, sizeof *self);
  if (self == NULL) {
    ipc_signal_channel_end(number);
    return ipc_int(env, -ENOMEM);
  }
  self->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->event_fd < 0) {
    error = -errno;
    ipc_signal_channel_end(number);
    free(self);
    return ipc_int(env, error);
  }
  self->data_signal = number;
  self->raw = raw != 0;
  self->signal_fd = -1;
  memcpy(self->name, name, sizeof name);
  sigemptyset(&self->waited);
  sigaddset(&self->waited, number);
  sigaddset(&self->waited, control_signal());
  sigaddset(&self->waited, WAKE);
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->changed, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&self->thread, NULL, receive, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) {
    close(self->event_fd);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    ipc_signal_channel_end(number);
    free(self);
    return ipc_int(env, -error);
  }
  pthread_mutex_lock(&self->lock);
  while (self->tid == 0) pthread_cond_wait(&self->changed, &self->lock);
  pthread_mutex_unlock(&self->lock);
  pid_t none = 0;
  if (raw) atomic_compare_exchange_strong(&forward_to[number], &none, self->tid);
  return ipc_int(env, ipc_handle_add(env, &tag, self, receiver_release));
}

static receiver *receiver_of(napi_env env, napi_value value) { return ipc_handle_get(env, value, &tag); }

// signalTid(receiver): its thread, to which signals for it are sent.
static napi_value signal_tid(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  return ipc_int(env, self == NULL ? -EBADF : self->tid);
}

// signalFd(receiver): readable while signalTake has something.
static napi_value signal_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  return ipc_int(env, self == NULL ? -EBADF : self->event_fd);
}

// signalTake(receiver, records: Int32Array): how many were moved to `records`, five numbers each.
static napi_value signal_take(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  uint8_t *out;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_bytes(env, argv[1], &out, &length)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  if ((uintptr_t)out % _Alignof(record) != 0) return ipc_int(env, -EINVAL);
  size_t room = length / sizeof(record), taken = 0;
  pthread_mutex_lock(&self->lock);
  bool was_full = self->count == CAPACITY;
  for (; taken < room && self->count > 0; taken++, self->count--) {
    memcpy(out + taken * sizeof(record), &self->queue[self->first], sizeof(record));
    self->first = (self->first + 1) % CAPACITY;
  }
  uint64_t ignored;
  if (taken > 0 && self->count == 0 && read(self->event_fd, &ignored, sizeof ignored) < 0) abort(); // as in push
  if (was_full && taken > 0) pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
  if (self->signal_fd >= 0 && taken < room) taken += read_direct(self, (record *)out + taken, room - taken);
  return ipc_int(env, (int64_t)taken);
}

// signalDirect(receiver): from now on data is to be sent to the calling thread, which alone uses the receiver. The
// descriptor that is readable while there is any; -EBUSY where the thread takes another receiver's.
static napi_value signal_direct(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (direct != NULL) return ipc_int(env, -EBUSY);
  sigset_t data;
  sigemptyset(&data);
  sigaddset(&data, self->data_signal);
  int fd = signalfd(-1, &data, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return ipc_int(env, -errno);
  self->direct = data;
  sigaddset(&self->direct, WAKE);
  int error = pthread_sigmask(SIG_BLOCK, &self->direct, NULL);
  if (error != 0) {
    close(fd);
    return ipc_int(env, -error);
  }
  drop_pending(self); // of an earlier channel, with which a standard signal would become one
  self->signal_fd = fd;
  direct = self;
  return ipc_int(env, fd);
}

// signalDataTid(receiver): the thread to which data for it is sent.
static napi_value signal_data_tid(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  return ipc_int(env, self->signal_fd < 0 ? self->tid : (pid_t)syscall(SYS_gettid));
}

// signalPair(receiver, pid, tid, dataTid): the peer, its receiver's thread, and the one to which its data is sent.
static napi_value signal_pair(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int pid, tid, data_tid;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[1], &pid) || !ipc_get_int(env, argv[2], &tid) ||
      !ipc_get_int(env, argv[3], &data_tid))
    return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  self->peer = pid;
  self->peer_tid = tid;
  self->peer_data_tid = data_tid;
  self->sent = (siginfo_t){.si_signo = self->data_signal, .si_code = CHANNELED};
  self->sent.si_pid = getpid();
  self->sent.si_uid = getuid();
  return ipc_int(env, 0);
}

// signalPut(receiver, value): data for the peer. 0; -ESRCH where its receiver has closed, -EAGAIN as signalSend.
static napi_value signal_put(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int value;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &value)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  // The peer's JS thread outlives its channel.
  if (self->peer_tid != self->peer_data_tid && syscall(SYS_tgkill, self->peer, self->peer_tid, 0) < 0)
    return ipc_int(env, -errno);
  self->sent.si_value.sival_ptr = word_of(value, self->peer_tid);
  return ipc_int(env, ipc_result(syscall(SYS_rt_tgsigqueueinfo, self->peer, self->peer_data_tid, self->data_signal, &self->sent)));
}

// signalReceive(receiver, timeoutMs): the next word for a direct receiver, without a sign, for which this thread
// waits (negative: no limit). -EAGAIN after the timeout, -EPIPE when the guard saw the peer's end; what it sent
// is still to be taken. A signal with a handler does not end the wait.
static napi_value signal_receive(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  double timeout;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_double(env, argv[1], &timeout)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL || self->signal_fd < 0) return ipc_int(env, -EBADF);
  siginfo_t taken;
  if (take_direct(self, &taken, timeout) < 0) return ipc_int(env, -errno);
  return ipc_int(env, (uint32_t)value_of(&taken));
}

typedef struct {
  receiver *guarded;
  pid_t tid;
  int peer_fd;
} guard;

static int64_t guard_wait(void *arg, const atomic_bool *cancelled) {
  const guard *self = arg;
  struct pollfd polled = {self->peer_fd, POLLIN, 0};
  while (!atomic_load(cancelled)) {
    if (poll(&polled, 1, -1) <= 0) continue; // kicked
    atomic_store(&self->guarded->lost, true);
    // Stays pending until it is taken: one is enough.
    syscall(SYS_tgkill, getpid(), self->tid, WAKE);
    return 0;
  }
  return -ECANCELED;
}

// signalGuard(receiver, pidfd): a waiter (see native.h), to be started, which ends a signalReceive of a direct
// receiver when the peer is gone. To be closed before the descriptor and the receiver.
static napi_value signal_guard(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &fd)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL || self->signal_fd < 0) return ipc_int(env, -EBADF);
  guard *made = malloc(sizeof *made);
  if (made == NULL) return ipc_int(env, -ENOMEM);
  *made = (guard){self, (pid_t)syscall(SYS_gettid), fd};
  return ipc_int(env, ipc_waiter_open(env, guard_wait, made, free));
}

// signalMark(receiver, value): a record of signal 0 with this value follows everything that is pending
// now. Of several the highest value comes.
static napi_value signal_mark(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int value;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &value)) return NULL;
  receiver *self = receiver_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  pthread_mutex_lock(&self->lock);
  if (value > self->mark) self->mark = value;
  wake(self);
  pthread_mutex_unlock(&self->lock);
  return ipc_int(env, 0);
}

static napi_value signal_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

// ---- sending --------------------------------------------------------------------------------------

// signalSend(pid, tid, signal, value, label): to one thread, or with tid 0 to the process. 0 or -errno;
// -EAGAIN where the receiver's user has RLIMIT_SIGPENDING signals queued.
static napi_value signal_send(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int pid, tid, number, value, label;
  if (!ipc_args(env, info, 5, argv) || !ipc_get_int(env, argv[0], &pid) || !ipc_get_int(env, argv[1], &tid) ||
      !ipc_get_int(env, argv[2], &number) || !ipc_get_int(env, argv[3], &value) || !ipc_get_int(env, argv[4], &label))
    return NULL;
  siginfo_t sent = {0};
  sent.si_signo = number;
  sent.si_code = SI_QUEUE;
  sent.si_pid = getpid();
  sent.si_uid = getuid();
  sent.si_value.sival_ptr = word_of(value, label);
  long result = tid > 0 ? syscall(SYS_rt_tgsigqueueinfo, pid, tid, number, &sent)
                        : syscall(SYS_rt_sigqueueinfo, pid, number, &sent);
  return ipc_int(env, ipc_result(result));
}

// signalPoll(readFd, goneFd, timeoutMs): waits for either (a negative one is left out): 1 for the
// first, 2 for the second, their sum, or 0 after the timeout.
static napi_value signal_poll(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int read_fd, gone_fd;
  double timeout;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &read_fd) || !ipc_get_int(env, argv[1], &gone_fd) ||
      !ipc_get_double(env, argv[2], &timeout))
    return NULL;
  struct timespec deadline;
  bool bounded = ipc_deadline(timeout, &deadline);
  struct pollfd waited[2] = {{read_fd, POLLIN, 0}, {gone_fd, POLLIN, 0}};
  int n;
  do n = poll(waited, 2, ipc_remaining_ms(bounded, &deadline));
  while (n < 0 && errno == EINTR);
  if (n < 0) return ipc_int(env, -errno);
  return ipc_int(env, (waited[0].revents != 0 ? 1 : 0) | (waited[1].revents != 0 ? 2 : 0));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "signalOpen", signal_open);
  ipc_export(env, exports, "signalTid", signal_tid);
  ipc_export(env, exports, "signalFd", signal_fd);
  ipc_export(env, exports, "signalTake", signal_take);
  ipc_export(env, exports, "signalDirect", signal_direct);
  ipc_export(env, exports, "signalDataTid", signal_data_tid);
  ipc_export(env, exports, "signalPair", signal_pair);
  ipc_export(env, exports, "signalPut", signal_put);
  ipc_export(env, exports, "signalReceive", signal_receive);
  ipc_export(env, exports, "signalGuard", signal_guard);
  ipc_export(env, exports, "signalMark", signal_mark);
  ipc_export(env, exports, "signalClose", signal_close);
  ipc_export(env, exports, "signalSend", signal_send);
  ipc_export(env, exports, "signalPoll", signal_poll);
  ipc_export_int(env, exports, "signalControlNumber", control_signal());
  ipc_export_int(env, exports, "signalDataNumber", data_signal());
  ipc_export_int(env, exports, "signalStandardNumber", SIGUSR2);
}
IPC_MODULE(signal, init)
