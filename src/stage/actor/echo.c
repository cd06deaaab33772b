/*
 * The echo task: what comes on a connection is sent back, until so many messages were. A loop for each model of I/O, and
 * one of the client: between two requests an actor speaks with its stage, and that would be counted, too.
 */
#include "actor.h"
#include "ring.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 4096, MAX_IDLE = 1000, EVENTS = 64 };

/* What is counted, by the names that strace(1) has for it. */
enum { READ, WRITE, SELECT, POLL, EPOLL_WAIT, SIGSUSPEND, SIGRETURN, ENTER, KINDS };
static const char *const names[KINDS] = {"read",          "write",        "select",        "poll",
                                         "epoll_wait",    "rt_sigsuspend", "rt_sigreturn", "io_uring_enter"};

/* What the kernel has noted of this process. */
typedef struct {
  int64_t switches, processor_ns;
} usage;

typedef struct {
  int fd;
  int64_t messages;
  /* Descriptors on which nothing ever comes. */
  int idle[MAX_IDLE];
  int64_t idle_count;
  /* How many entries were handed to the kernel, or by it, in all. */
  int64_t entries;
  int64_t calls[KINDS];
  usage used;
} task;

static usage usage_now(void) {
  struct rusage self;
  struct timespec spent;
  getrusage(RUSAGE_SELF, &self);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return (usage){.switches = self.ru_nvcsw, .processor_ns = spent.tv_sec * INT64_C(1000000000) + spent.tv_nsec};
}

/* Everything is made; the loop begins. */
static void begin(task *of) { of->used = usage_now(); }

static void end(task *of) {
  usage now = usage_now();
  of->used = (usage){now.switches - of->used.switches, now.processor_ns - of->used.processor_ns};
}

/* Reads a message and sends it back. -1 where there is none, EPIPE where there will be none. */
static long pass_on(task *of) {
  char data[ROOM];
  of->calls[READ]++;
  ssize_t got = read(of->fd, data, sizeof data);
  if (got < 0) return -1;
  if (got == 0) return from_error(EPIPE);
  of->calls[WRITE]++;
  return write(of->fd, data, (size_t)got);
}

static long set_flags(int fd, int flags) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags); }

static long blocking(task *of) {
  begin(of);
  for (int64_t done = 0; done < of->messages; done++)
    if (pass_on(of) < 0) return -1;
  end(of);
  return 0;
}

static long non_blocking(task *of) {
  if (set_flags(of->fd, O_NONBLOCK) < 0) return -1;
  begin(of);
  for (int64_t done = 0; done < of->messages;)
    if (pass_on(of) >= 0) done++;
    else if (errno != EAGAIN) return -1;
  end(of);
  return 0;
}

static long with_select(task *of) {
  fd_set all, ready;
  int highest = of->fd;
  FD_ZERO(&all);
  for (int64_t at = 0; at < of->idle_count; at++)
    if (of->idle[at] > highest) highest = of->idle[at];
  if (highest >= FD_SETSIZE) return from_error(EINVAL); // the set has no bit of it
  for (int64_t at = 0; at < of->idle_count; at++) FD_SET(of->idle[at], &all);
  FD_SET(of->fd, &all);
  begin(of);
  for (int64_t done = 0; done < of->messages; done++) {
    ready = all; // select writes its answer over the question
    of->calls[SELECT]++;
    of->entries += of->idle_count + 1;
    if (select(highest + 1, &ready, NULL, NULL, NULL) < 0 || pass_on(of) < 0) return -1;
  }
  end(of);
  return 0;
}

static long with_poll(task *of) {
  struct pollfd entries[MAX_IDLE + 1];
  for (int64_t at = 0; at < of->idle_count; at++) entries[at] = (struct pollfd){.fd = of->idle[at], .events = POLLIN};
  entries[of->idle_count] = (struct pollfd){.fd = of->fd, .events = POLLIN};
  begin(of);
  for (int64_t done = 0; done < of->messages; done++) {
    of->calls[POLL]++;
    of->entries += of->idle_count + 1;
    if (poll(entries, (nfds_t)of->idle_count + 1, -1) < 0 || pass_on(of) < 0) return -1;
  }
  end(of);
  return 0;
}

static long add(int epoll, int fd) {
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

static long with_epoll(task *of) {
  struct epoll_event ready[EVENTS];
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return -1;
  long result = add(epoll, of->fd);
  for (int64_t at = 0; result == 0 && at < of->idle_count; at++) result = add(epoll, of->idle[at]);
  begin(of);
  for (int64_t done = 0; result >= 0 && done < of->messages; done++) {
    of->calls[EPOLL_WAIT]++;
    result = epoll_wait(epoll, ready, EVENTS, -1);
    of->entries += result;
    if (result >= 0) result = pass_on(of);
  }
  end(of);
  int error = errno;
  close(epoll);
  errno = error;
  return result < 0 ? -1 : 0;
}

static volatile sig_atomic_t signals;

static void note(int number) {
  (void)number;
  signals++;
}

static long signal_driven(task *of) {
  sigset_t held, others;
  struct sigaction action = {.sa_handler = note};
  sigemptyset(&held);
  sigaddset(&held, SIGIO);
  signals = 0;
  // Held but while it waits: one that came between a look and the wait would not end the wait.
  if (sigprocmask(SIG_BLOCK, &held, &others) < 0 || sigaction(SIGIO, &action, NULL) < 0) return -1;
  if (fcntl(of->fd, F_SETOWN, getpid()) < 0 || set_flags(of->fd, O_ASYNC | O_NONBLOCK) < 0) return -1;
  begin(of);
  for (int64_t done = 0;;) {
    // A signal says that something came, not how much.
    while (done < of->messages && pass_on(of) >= 0) done++;
    if (done == of->messages) break;
    if (errno != EAGAIN) return -1;
    of->calls[SIGSUSPEND]++;
    sigsuspend(&others);
  }
  end(of);
  of->calls[SIGRETURN] = signals;
  return sigprocmask(SIG_SETMASK, &others, NULL);
}

/* The next message is asked for in the same call that sends the last one back. */
static long asynchronous(task *of) {
  char data[ROOM];
  ring with;
  if (ring_open(&with, 2) < 0) return -1;
  long result = 0;
  unsigned pending = 1;
  begin(of);
  ring_push(&with, IORING_OP_READ, 0, of->fd, data, sizeof data);
  for (int64_t done = 0; result >= 0 && done < of->messages;) {
    of->calls[ENTER]++;
    result = ring_enter(&with, pending);
    uint8_t operation;
    int answer, got = 0;
    for (; result >= 0 && ring_take(&with, &operation, &answer); pending--)
      if (answer <= 0) result = from_error(answer == 0 ? EPIPE : -answer);
      else if (operation == IORING_OP_READ) got = answer;
      else done++;
    if (result < 0 || got == 0) continue;
    // The next read is after the write, for the room is the same.
    bool more = done + 1 < of->messages;
    ring_push(&with, IORING_OP_WRITE, more ? IOSQE_IO_LINK : 0, of->fd, data, (uint32_t)got);
    if (more) ring_push(&with, IORING_OP_READ, 0, of->fd, data, sizeof data);
    pending += more ? 2 : 1;
  }
  end(of);
  int error = errno;
  ring_close(&with);
  errno = error;
  return result < 0 ? -1 : 0;
}

static const struct {
  const char *name;
  long (*echo)(task *of);
} models[] = {{"blocking", blocking},   {"non-blocking", non_blocking},   {"select", with_select},    {"poll", with_poll},
              {"epoll", with_epoll},    {"signal-driven", signal_driven}, {"io_uring", asynchronous}};

static void tell(const task *of, actor_reply *reply) {
  for (int kind = 0; kind < KINDS; kind++)
    if (of->calls[kind] > 0) reply_number(reply, names[kind], of->calls[kind]);
  reply_number(reply, "entries", of->entries);
  reply_number(reply, "switches", of->used.switches);
  reply_number(reply, "processor-ns", of->used.processor_ns);
}

/*
 * echo(model, fd, messages, idle): beside so many descriptors on which nothing comes. Tells, of the loop alone, how often
 * each system call was called, `entries`, how often the process gave up its processor to wait, and its processor time.
 */
static long do_echo(const actor_args *args, actor_reply *reply) {
  task of = {.fd = (int)arg_number(args, 1), .messages = arg_number(args, 2)};
  int64_t idle = arg_number(args, 3);
  int flags = fcntl(of.fd, F_GETFL);
  if (flags < 0) return -1;
  if (idle > MAX_IDLE) return from_error(EINVAL);
  long result = from_error(EINVAL);
  for (; of.idle_count < idle; of.idle_count++)
    if ((of.idle[of.idle_count] = eventfd(0, EFD_CLOEXEC)) < 0) break;
  if (of.idle_count == idle)
    for (size_t at = 0; at < sizeof models / sizeof *models; at++)
      if (strcmp(models[at].name, arg_text(args, 0)) == 0) result = models[at].echo(&of);
  int error = errno;
  for (int64_t at = 0; at < of.idle_count; at++) close(of.idle[at]);
  fcntl(of.fd, F_SETFL, flags);
  if (result < 0) return from_error(error);
  tell(&of, reply);
  return of.messages;
}

/* talk(fd, messages, bytes): the client, which sends a message, reads the answer, and again. Tells the same. */
static long do_talk(const actor_args *args, actor_reply *reply) {
  task of = {.fd = (int)arg_number(args, 0), .messages = arg_number(args, 1)};
  char data[ROOM] = {0};
  size_t length = (size_t)arg_number(args, 2);
  if (length == 0 || length > sizeof data) return from_error(EINVAL);
  begin(&of);
  for (int64_t done = 0; done < of.messages; done++) {
    of.calls[WRITE]++;
    if (write(of.fd, data, length) < 0) return -1;
    for (size_t got = 0; got < length;) {
      of.calls[READ]++;
      ssize_t more = read(of.fd, data, length - got);
      if (more <= 0) return more < 0 ? -1 : from_error(EPIPE);
      got += (size_t)more;
    }
  }
  end(&of);
  tell(&of, reply);
  return of.messages;
}

ACTOR_CALLS(echo, {"echo", do_echo}, {"talk", do_talk})
