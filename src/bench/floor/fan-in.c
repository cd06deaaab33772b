// Many senders, one receiver that polls them all: the exchange of ../sides/fan-in.ts. Each sender is told by a pipe
// for how long to send, and answers by another with what it has sent.
#include "order.h"
#include "sides.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  channel channel;
  pid_t process;
  int words, answers;
} sender;

static volatile sig_atomic_t ending;

// A sender has said why; if not, something else ended it.
static void sender_ended(int number) {
  (void)number;
  int status, saved = errno;
  if (!ending && waitpid(-1, &status, WNOHANG) > 0) {
    static const char line[] = "bench: a sender of the floor ended early\n";
    if (WIFSIGNALED(status) && write(STDERR_FILENO, line, sizeof line - 1) < 0) _exit(1);
    _exit(1);
  }
  errno = saved;
}

static bool read_whole(int fd, void *to, size_t length) {
  uint8_t *at = to;
  while (length > 0) {
    ssize_t n = read(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (floor_check(n, "read") == 0) return false;
    at += n;
    length -= (size_t)n;
  }
  return true;
}

// What is so short a pipe takes at once.
static void write_whole(int fd, const void *data, size_t length) {
  ssize_t n;
  do n = write(fd, data, length);
  while (n < 0 && errno == EINTR);
  floor_check(n, "write");
}

static _Noreturn void sender_main(sender *self, pid_t receiver, int words, int answers) {
  floor_check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (getppid() != receiver) _exit(1); // it died before that
  const floor_order *order = self->channel.order;
  side_arm_watchdog(order->limit_ms);
  side_place(&order->pong);
  side_close_end(&self->channel.ends[FLOOR_PING]);
  exchange *exchange = channel_open(&self->channel, FLOOR_PONG);
  for (double duration_ms; read_whole(words, &duration_ms, sizeof duration_ms);) {
    exchange_run run = exchange_measure(exchange, duration_ms);
    write_whole(answers, &run, sizeof run);
  }
  _exit(0);
}

static void start_sender(sender *self, const floor_variant *variant, const floor_order *order) {
  int words[2], answers[2];
  channel_create(&self->channel, variant, order);
  if (self->channel.ends[FLOOR_PING].in < 0) floor_impossible("has no descriptor that one receiver could poll among others");
  floor_check(pipe2(words, O_CLOEXEC), "pipe2");
  floor_check(pipe2(answers, O_CLOEXEC), "pipe2");
  pid_t receiver = getpid();
  self->process = (pid_t)floor_check(fork(), "fork");
  if (self->process == 0) sender_main(self, receiver, words[0], answers[1]);
  floor_check(close(words[0]), "close");
  floor_check(close(answers[1]), "close");
  self->words = words[1];
  self->answers = answers[0];
  side_close_end(&self->channel.ends[FLOOR_PONG]);
}

static usage use_of_all(const sender *senders, int count) {
  usage sum = usage_of(getpid());
  for (int i = 0; i < count; i++) {
    usage one = usage_of(senders[i].process);
    sum.cpu_us += one.cpu_us;
    sum.voluntary += one.voluntary;
    sum.involuntary += one.involuntary;
    if (one.peak_rss_bytes > sum.peak_rss_bytes) sum.peak_rss_bytes = one.peak_rss_bytes;
  }
  return sum;
}

static void watch(int epoll, int fd, uint32_t number) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  floor_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void add_answer(const sender *self, exchange_run *sum) {
  exchange_run run;
  if (!read_whole(self->answers, &run, sizeof run)) floor_fail("a sender of the floor ended early");
  sum->count += run.count;
  sum->lost += run.lost;
  if (run.elapsed_ms > sum->elapsed_ms) sum->elapsed_ms = run.elapsed_ms;
}

// Until every sender has said that all of its messages were acknowledged. Numbers from `count` on are answers.
static exchange_run run_all(sender *senders, int count, int epoll, double duration_ms) {
  exchange_run sum = {0};
  for (int i = 0; i < count; i++) write_whole(senders[i].words, &duration_ms, sizeof duration_ms);
  for (int sending = count; sending > 0;) {
    struct epoll_event events[2 * MOST_SENDERS];
    int ready = epoll_wait(epoll, events, 2 * MOST_SENDERS, -1);
    if (ready < 0 && errno == EINTR) continue;
    floor_check(ready, "epoll_wait");
    for (int i = 0; i < ready; i++) {
      int number = (int)events[i].data.u32;
      if (number >= count) {
        add_answer(&senders[number - count], &sum);
        sending--;
      } else if (!exchange_answer_what_came(&senders[number].channel.exchanges[FLOOR_PING])) floor_fail("a channel ended in the middle of the exchange");
    }
  }
  return sum;
}

static void end_senders(sender *senders, int count) {
  ending = true;
  for (int i = 0; i < count; i++) floor_check(kill(senders[i].process, SIGKILL), "kill");
  for (int i = 0; i < count; i++) {
    while (waitpid(senders[i].process, NULL, 0) < 0)
      if (errno != EINTR) floor_check(-1, "waitpid");
    channel_close(&senders[i].channel, FLOOR_PING);
    floor_check(close(senders[i].words), "close");
    floor_check(close(senders[i].answers), "close");
  }
}

void fan_in(const floor_variant *variant, const floor_order *order) {
  int count = order->senders;
  sender *senders = floor_allocate((size_t)count * sizeof *senders);
  struct sigaction action = {.sa_handler = sender_ended, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  for (int i = 0; i < count; i++) start_sender(&senders[i], variant, order);
  floor_check(sigaction(SIGCHLD, &action, NULL), "sigaction");
  sender_ended(SIGCHLD); // one may have ended before
  int epoll = (int)floor_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  for (int i = 0; i < count; i++) {
    channel_open(&senders[i].channel, FLOOR_PING);
    watch(epoll, senders[i].channel.ends[FLOOR_PING].in, (uint32_t)i);
    watch(epoll, senders[i].answers, (uint32_t)(count + i));
  }
  side_say(SIDE_READY, strlen(SIDE_READY));
  double duration_ms;
  for (enum side_word word; (word = side_told(&duration_ms)) != SIDE_END;) {
    if (word == SIDE_WARM) {
      run_all(senders, count, epoll, (double)order->warmup_ms);
      side_say(SIDE_READY, strlen(SIDE_READY));
      continue;
    }
    usage before = use_of_all(senders, count);
    exchange_run run = run_all(senders, count, epoll, duration_ms);
    side_say_round(&run, before, use_of_all(senders, count), 1, NULL);
  }
  side_say(SIDE_NO_TIMES, strlen(SIDE_NO_TIMES));
  end_senders(senders, count);
  floor_check(close(epoll), "close");
  free(senders);
}
