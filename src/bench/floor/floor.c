// The two sides: ping, which the driver started and talks to, and pong, which ping starts. Life of a pair:
//   create   [ping]  makes the channel; nothing of it has a name afterwards
//   fork     [ping]  pong: a process that dies with ping, or a thread where the variant says so
//   open     [both]  what is each side's own
//   warm up  [ping]  then says `ready`
//   run …    [ping]  one exchange, one line, as often as asked
//   end      [ping]  the percentiles; ends pong
// Whichever side fails says why and ends; the other follows it.
#include "floor.h"
#include "exchange.h"
#include "order.h"
#include "sides.h"
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESULT_FD 3
// A side that spins blocks after so long without a message: nobody may talk meanwhile.
#define SPIN_NS 20000000
// After so long without a reply a message of a lossy mechanism counts as lost.
#define LOSS_MS 50

// ---- what a mechanism may use -------------------------------------------------------------------

static _Noreturn void die(int status, const char *format, va_list arguments) {
  char line[512] = "bench: ";
  size_t length = strlen(line);
  vsnprintf(line + length, sizeof line - length - 1, format, arguments);
  strcat(line, "\n");
  if (write(STDERR_FILENO, line, strlen(line)) < 0) status = 1; // nobody listens any more
  _exit(status);
}

void floor_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  die(1, format, arguments);
}

void floor_impossible(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  die(2, format, arguments);
}

long floor_check(long result, const char *call) {
  if (result < 0) floor_fail("%s: %s", call, strerror(errno));
  return result;
}

void *floor_allocate(size_t bytes) {
  void *memory = calloc(1, bytes > 0 ? bytes : 1);
  if (memory == NULL) floor_fail("no memory for %zu bytes", bytes);
  return memory;
}

void floor_stop_thread(pthread_t thread) {
  int error = pthread_cancel(thread);
  if (error == 0) error = pthread_join(thread, NULL);
  if (error != 0) floor_fail("cannot end a thread: %s", strerror(error));
}

int64_t floor_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail: the clock is there, the address is ours
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool floor_spins_on(floor_spinner *spinner) {
  if (spinner->wait == FLOOR_ADAPTIVE) return false;
  int64_t now = floor_now_ns();
  if (spinner->until_ns == 0) spinner->until_ns = now + SPIN_NS;
  return now < spinner->until_ns;
}

// One for each object; both sides hold the writing end of its pipe.
#define MOST_GUARDS 2
static struct {
  pid_t process;
  int pipe;
} guards[MOST_GUARDS];
static int guard_count;

static _Noreturn void guard_main(int reading, void (*remove)(int id), int id) {
  char byte;
  if (dup2(reading, STDIN_FILENO) < 0 || close_range(1, ~0u, 0) < 0) _exit(1);
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) continue;
  remove(id);
  _exit(0);
}

void floor_guard(void (*remove)(int id), int id) {
  int ends[2];
  if (guard_count == MOST_GUARDS) floor_fail("more than %d guards", MOST_GUARDS);
  floor_check(pipe2(ends, O_CLOEXEC), "pipe2");
  pid_t process = (pid_t)floor_check(fork(), "fork");
  if (process == 0) guard_main(ends[0], remove, id);
  // Before anybody can know of the object: whoever ends the sides may end their whole group.
  floor_check(setpgid(process, process), "setpgid");
  floor_check(close(ends[0]), "close");
  guards[guard_count].process = process;
  guards[guard_count++].pipe = ends[1];
}

static void reap(pid_t process) {
  while (waitpid(process, NULL, 0) < 0)
    if (errno != EINTR) floor_check(-1, "waitpid");
}

// ---- what both sides are ------------------------------------------------------------------------

static volatile pid_t pong_process;

static void late(int number) {
  (void)number;
  static const char line[] = "bench: the floor did not end in time: a message was lost, or a side hangs\n";
  if (write(STDERR_FILENO, line, sizeof line - 1) < 0) _exit(1);
  _exit(1);
}

void side_arm_watchdog(long limit_ms) {
  struct sigaction action = {.sa_handler = late};
  struct itimerval limit = {.it_value = {limit_ms / 1000, limit_ms % 1000 * 1000}};
  floor_check(sigaction(SIGALRM, &action, NULL), "sigaction");
  floor_check(setitimer(ITIMER_REAL, &limit, NULL), "setitimer");
}

void side_place(const cpu_set_t *processors) {
  floor_check(sched_setaffinity(0, sizeof *processors, processors), "sched_setaffinity");
}

static void set_non_blocking(int fd) {
  if (fd < 0) return;
  int flags = (int)floor_check(fcntl(fd, F_GETFL), "fcntl");
  floor_check(fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl");
}

void side_close_end(const floor_end *end) {
  if (end->epoll >= 0) floor_check(close(end->epoll), "close");
  if (end->in >= 0) floor_check(close(end->in), "close");
  if (end->out >= 0 && end->out != end->in) floor_check(close(end->out), "close");
}

static void watch(floor_end *end) {
  struct epoll_event event = {.events = EPOLLIN};
  end->epoll = (int)floor_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  if (end->in >= 0) floor_check(epoll_ctl(end->epoll, EPOLL_CTL_ADD, end->in, &event), "epoll_ctl");
}

void channel_create(channel *self, const floor_variant *variant, const floor_order *order) {
  *self = (channel){.variant = variant, .order = order};
  for (int side = FLOOR_PING; side <= FLOOR_PONG; side++)
    self->ends[side] = (floor_end){.order = order, .side = side, .in = -1, .out = -1, .epoll = -1, .timeout_ms = -1};
  // Whoever measures waits no longer for what was lost.
  if (order->lossy) self->ends[order->senders > 0 ? FLOOR_PONG : FLOOR_PING].timeout_ms = LOSS_MS;
  variant->create(self->ends);
}

exchange *channel_open(channel *self, int side) {
  floor_end *end = &self->ends[side];
  if (end->order->wait != FLOOR_BLOCK) {
    set_non_blocking(end->in);
    set_non_blocking(end->out);
  }
  if (self->variant->open != NULL) self->variant->open(end);
  if (end->order->wait == FLOOR_POLL) watch(end);
  self->exchanges[side] = exchange_over(self->variant, end);
  return &self->exchanges[side];
}

void channel_close(channel *self, int side) {
  exchange_free(&self->exchanges[side]);
  self->variant->close(&self->ends[side]);
  side_close_end(&self->ends[side]);
}

// ---- pong ---------------------------------------------------------------------------------------

static void answer(channel *self) {
  side_place(&self->order->pong);
  exchange_answer(channel_open(self, FLOOR_PONG));
}

static void *thread_main(void *self) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &(int){0}); // a futex or a spin is no cancellation point
  answer(self);
  return NULL;
}

static _Noreturn void process_main(channel *self, pid_t ping) {
  floor_check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (getppid() != ping) _exit(1); // it died before that
  side_arm_watchdog(self->order->limit_ms);
  self->ends[FLOOR_PONG].peer = ping;
  side_close_end(&self->ends[FLOOR_PING]);
  answer(self);
  _exit(0);
}

// Pong has said why; if not, something else ended it.
static void pong_ended(int number) {
  (void)number;
  int status, saved = errno;
  if (pong_process > 0 && waitpid(pong_process, &status, WNOHANG) == pong_process) {
    static const char line[] = "bench: the other side of the floor ended early\n";
    if (WIFSIGNALED(status) && write(STDERR_FILENO, line, sizeof line - 1) < 0) _exit(1);
    _exit(1);
  }
  errno = saved;
}

static void start_pong(channel *self) {
  if (self->variant->threads) {
    int error = pthread_create(&self->pong, NULL, thread_main, self);
    if (error != 0) floor_fail("pthread_create: %s", strerror(error));
    return;
  }
  pid_t ping = getpid();
  struct sigaction action = {.sa_handler = pong_ended, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  floor_check(sigaction(SIGCHLD, &action, NULL), "sigaction");
  pid_t pong = (pid_t)floor_check(fork(), "fork");
  if (pong == 0) process_main(self, ping);
  pong_process = pong;
  self->ends[FLOOR_PING].peer = pong;
  side_close_end(&self->ends[FLOOR_PONG]);
  pong_ended(SIGCHLD); // it may have ended before it was known
}

static void end_pong(channel *self) {
  if (self->variant->threads) {
    floor_stop_thread(self->pong);
    channel_close(self, FLOOR_PONG);
    return;
  }
  pid_t pong = pong_process;
  pong_process = 0; // from here on its end is no news
  floor_check(kill(pong, SIGKILL), "kill");
  reap(pong);
}

static void end_guards(void) {
  while (guard_count > 0) {
    guard_count--;
    floor_check(close(guards[guard_count].pipe), "close");
    reap(guards[guard_count].process);
  }
}

// ---- ping ---------------------------------------------------------------------------------------

void side_say(const char *line, size_t length) {
  while (length > 0) {
    ssize_t n = write(RESULT_FD, line, length);
    if (n < 0 && errno == EINTR) continue;
    floor_check(n, "write to descriptor 3");
    line += n;
    length -= (size_t)n;
  }
}

static usage use_of_both(void) {
  usage sum = usage_of(getpid());
  if (pong_process == 0) return sum;
  usage pong = usage_of(pong_process);
  sum.cpu_us += pong.cpu_us;
  sum.voluntary += pong.voluntary;
  sum.involuntary += pong.involuntary;
  if (pong.peak_rss_bytes > sum.peak_rss_bytes) sum.peak_rss_bytes = pong.peak_rss_bytes;
  return sum;
}

static double us(uint64_t ns) { return (double)ns / 1000; }

void side_say_round(const exchange_run *run, usage before, usage after, uint32_t batch, const histogram *times) {
  char line[512];
  int length = snprintf(line, sizeof line,
                        "{\"count\":%lu,\"lost\":%lu,\"elapsedMs\":%.6f,\"cpuUs\":%.3f,\"voluntary\":%lu,\"involuntary\":%lu,"
                        "\"rssBytes\":%lu,\"batch\":%u",
                        (unsigned long)run->count, (unsigned long)run->lost, run->elapsed_ms, after.cpu_us - before.cpu_us,
                        (unsigned long)(after.voluntary - before.voluntary), (unsigned long)(after.involuntary - before.involuntary),
                        (unsigned long)after.peak_rss_bytes, batch);
  if (times != NULL)
    length += snprintf(line + length, sizeof line - (size_t)length, ",\"p50\":%.3f", us(histogram_at(times, 50)));
  length += snprintf(line + length, sizeof line - (size_t)length, "}\n");
  side_say(line, (size_t)length);
}

static void run_round(exchange *self, double duration_ms, histogram *all) {
  usage before = use_of_both();
  exchange_run run = exchange_measure(self, duration_ms);
  side_say_round(&run, before, use_of_both(), self->batch, self->order->throughput ? NULL : self->times);
  histogram_add(all, self->times);
}

// The times of all rounds: pairs of the upper edge of a step in ns and how many there are.
static void say_histogram(const histogram *all) {
  char text[64];
  side_say("{\"histogram\":[", strlen("{\"histogram\":["));
  for (unsigned slot = 0, said = 0; slot < HISTOGRAM_SLOTS; slot++) {
    if (all->slots[slot] == 0) continue;
    int length = snprintf(text, sizeof text, "%s%lu,%lu", said++ == 0 ? "" : ",", (unsigned long)histogram_edge(all, slot),
                          (unsigned long)all->slots[slot]);
    side_say(text, (size_t)length);
  }
  side_say("]}\n", strlen("]}\n"));
}

// The next line of standard input without its end; false at the end of the file.
static bool read_line(char *line, size_t size) {
  size_t length = 0;
  for (char byte;;) {
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (floor_check(n, "read") == 0) return false;
    if (byte == '\n') break;
    if (length + 1 < size) line[length++] = byte;
  }
  line[length] = 0;
  return true;
}

enum side_word side_told(double *duration_ms) {
  char line[64];
  if (!read_line(line, sizeof line) || strcmp(line, "end") == 0) return SIDE_END;
  if (strcmp(line, "warm") == 0) return SIDE_WARM;
  if (sscanf(line, "run %lf", duration_ms) != 1 || !(*duration_ms >= 0) || *duration_ms > 60000)
    floor_impossible("'%s' is none of 'warm', 'run MS' and 'end'", line);
  return SIDE_RUN;
}

static void warm_up(exchange *self) {
  exchange_measure(self, (double)self->order->warmup_ms);
  exchange_warmed_up(self);
  side_say(SIDE_READY, strlen(SIDE_READY));
}

static void measure(exchange *self) {
  histogram *all = floor_allocate(sizeof *all);
  side_say(SIDE_READY, strlen(SIDE_READY));
  double duration_ms;
  for (enum side_word word; (word = side_told(&duration_ms)) != SIDE_END;) {
    if (word == SIDE_WARM) warm_up(self);
    else run_round(self, duration_ms, all);
  }
  if (self->order->throughput) side_say(SIDE_NO_TIMES, strlen(SIDE_NO_TIMES));
  else say_histogram(all);
  free(all);
}

int main(int argc, char **argv) {
  if (fcntl(RESULT_FD, F_GETFD) < 0) floor_impossible("descriptor 3, on which the answers go, is not open");
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) floor_fail("signal: %s", strerror(errno));
  floor_order order = order_of(argc, argv);
  const floor_variant *variant = order_variant(&order);
  side_arm_watchdog(order.limit_ms);
  side_place(&order.ping);
  if (order.senders > 0) {
    fan_in(variant, &order);
    end_guards();
    return 0;
  }
  channel pair;
  channel_create(&pair, variant, &order);
  start_pong(&pair);
  measure(channel_open(&pair, FLOOR_PING));
  end_pong(&pair);
  channel_close(&pair, FLOOR_PING);
  end_guards();
  return 0;
}
