// A C floor: the exchanges of ../exchange.ts between two processes, over one mechanism, in C. A mechanism's
// floor.c supplies `floor_variants`; this folder supplies the rest, with main(). What is said and when:
// ../protocol.ts.
#pragma once
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum floor_wait { FLOOR_BLOCK, FLOOR_SPIN, FLOOR_ADAPTIVE, FLOOR_POLL };
enum { FLOOR_PING, FLOOR_PONG };

typedef struct {
  const char *variant;
  bool throughput; // else round trips
  int senders;     // to one receiver, with throughput; 0: one sender, and the receiver is pong
  bool lossy;      // the mechanism drops: losses are counted
  size_t payload, batch, ack;
  enum floor_wait wait;
  cpu_set_t ping, pong;
  bool alone; // both sides have one and the same processor
  long warmup_ms, limit_ms;
} floor_order;

// One side's end of the channel. The harness closes the descriptors and makes them non-blocking unless
// the wait mode is `block`.
typedef struct {
  const floor_order *order;
  int side;
  int in, out;    // -1: the mechanism has none
  int epoll;      // watches `in`, with the wait mode `poll`
  pid_t peer;     // set after `create`
  int timeout_ms; // how long a receive waits; negative: without limit
  void *state;    // the mechanism's own
} floor_end;

// Instead of a length.
enum { FLOOR_NOTHING = -1, FLOOR_END = -2 };

// What a mechanism supplies for each of its variants. Whatever fails calls floor_fail.
typedef struct {
  const char *variant;
  size_t least, most; // bytes of a message
  bool threads;       // the sides are two threads of one process
  bool coalesces;     // equal messages become one
  // Before there are two sides: makes all that they share. No name of it is left when this returns.
  void (*create)(floor_end ends[2]);
  // On each side, in its own process: what is its own. May be NULL.
  void (*open)(floor_end *end);
  // Waits for room. `more`: another message follows at once, so that this one need not be published yet.
  void (*send)(floor_end *end, const void *data, size_t length, bool more);
  // The length of the next message, at *data until the next call; FLOOR_END. With `wait` it waits as the order
  // says, after spinning has been done elsewhere, and answers FLOOR_NOTHING after end->timeout_ms; without it, at once.
  ssize_t (*receive)(floor_end *end, const uint8_t **data, bool wait);
  // Frees what `open` made, and on the side of ping, which comes last, what `create` made; not the descriptors of the
  // end. Pong closes only where it is a thread: a process is killed.
  void (*close)(floor_end *end);
} floor_variant;

// Ends with an entry without a name.
extern const floor_variant floor_variants[];

// Ends this process with one line on standard error: 1 for a failure, 2 for what cannot be.
_Noreturn void floor_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void floor_impossible(const char *format, ...) __attribute__((format(printf, 1, 2)));
// `result` itself; a negative one fails with errno's text.
long floor_check(long result, const char *call);
void *floor_allocate(size_t bytes);
// Cancels and joins.
void floor_stop_thread(pthread_t thread);

// A process that outlives both sides, however they end, by as much as `remove(id)` takes: for objects that do not
// go by themselves.
void floor_guard(void (*remove)(int id), int id);

static inline size_t floor_longest(const floor_order *order) {
  return order->payload > order->ack ? order->payload : order->ack;
}

// Spinning: `for (floor_spinner s = floor_spin(end); floor_spins(&s);) try…`. It ends at once in the modes that
// do not spin, and where the only processor is needed by the other side.
typedef struct {
  enum floor_wait wait;
  unsigned turns;
  int64_t until_ns;
} floor_spinner;

int64_t floor_now_ns(void);
bool floor_spins_on(floor_spinner *spinner);

static inline floor_spinner floor_spin(const floor_end *end) {
  bool spins = end->order->wait == FLOOR_SPIN || (end->order->wait == FLOOR_ADAPTIVE && !end->order->alone);
  return (floor_spinner){spins ? end->order->wait : FLOOR_BLOCK, 0, 0};
}

// About 1,000 turns, or for as long as FLOOR_SPIN says.
static inline bool floor_spins(floor_spinner *spinner) {
  return spinner->wait != FLOOR_BLOCK && (++spinner->turns % 1024 != 0 || floor_spins_on(spinner));
}
