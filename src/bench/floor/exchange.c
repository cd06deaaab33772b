#include "exchange.h"
#include <stdlib.h>

// A shorter time than this is taken of several round trips at once, which take so long together.
#define SHORT_NS 1000
#define BATCH_NS 20000

exchange exchange_over(const floor_variant *variant, floor_end *end) {
  const floor_order *order = end->order;
  return (exchange){.variant = variant,
                    .end = end,
                    .order = order,
                    .messages = pattern_of(order->payload),
                    .acks = pattern_of(order->ack),
                    .batch = 1,
                    .left = (uint32_t)order->batch,
                    .last = -1,
                    .times = floor_allocate(sizeof(histogram))};
}

void exchange_free(exchange *self) {
  free(self->times);
  pattern_free(&self->acks);
  pattern_free(&self->messages);
}

typedef struct {
  const uint8_t *data;
  ssize_t length;
} message;

static inline message receive(const exchange *self) {
  message got;
  for (floor_spinner spinner = floor_spin(self->end); floor_spins(&spinner);) {
    got.length = self->variant->receive(self->end, &got.data, false);
    if (got.length != FLOOR_NOTHING) return got;
  }
  got.length = self->variant->receive(self->end, &got.data, true);
  return got;
}

static inline void send_message(const exchange *self, uint32_t sequence, bool more) {
  self->variant->send(self->end, pattern_message(&self->messages, sequence), self->messages.bytes, more);
}

// For the measuring side an end is a failure; what did not come in time has the length FLOOR_NOTHING.
static message receive_reply(const exchange *self) {
  message got = receive(self);
  if (got.length == FLOOR_END) floor_fail("the channel ended in the middle of the exchange");
  return got;
}

static message require_reply(const exchange *self) {
  message got = receive_reply(self);
  if (got.length == FLOOR_NOTHING) floor_fail("nothing came, and nothing is ever lost here");
  return got;
}

// ---- round trips --------------------------------------------------------------------------------

static void trip(exchange *self) {
  uint64_t sequence = self->sequence++;
  send_message(self, (uint32_t)sequence, false);
  message reply = require_reply(self);
  pattern_check(&self->messages, reply.data, (size_t)reply.length, (uint32_t)sequence);
}

// Whether the reply to this message came; those to earlier ones, which counted as lost, may come before it.
static bool lossy_reply(exchange *self, uint32_t sequence) {
  for (;;) {
    message reply = receive_reply(self);
    if (reply.length == FLOOR_NOTHING) return false;
    uint32_t claimed = pattern_sequence_of(&self->messages, reply.data, (size_t)reply.length);
    pattern_check(&self->messages, reply.data, (size_t)reply.length, claimed);
    if (claimed == sequence) return true;
    if (claimed > sequence) floor_fail("message %u came back before it was sent", claimed);
  }
}

// The time of one round trip, after however many that were lost.
static int64_t lossy_trip(exchange *self, uint64_t *lost) {
  for (;; ++*lost) {
    int64_t before = floor_now_ns();
    uint64_t sequence = self->sequence++;
    send_message(self, (uint32_t)sequence, false);
    if (lossy_reply(self, (uint32_t)sequence)) return floor_now_ns() - before;
  }
}

static exchange_run measure_trips(exchange *self, double duration_ms) {
  exchange_run run = {0};
  int64_t start = floor_now_ns(), end = start + (int64_t)(duration_ms * 1e6), now;
  do {
    if (self->order->lossy) {
      histogram_record(self->times, lossy_trip(self, &run.lost));
      now = floor_now_ns();
    } else {
      int64_t before = floor_now_ns();
      for (uint32_t i = 0; i < self->batch; i++) trip(self);
      now = floor_now_ns();
      histogram_record(self->times, (now - before + self->batch / 2) / self->batch);
    }
  } while (now < end);
  run.count = self->times->count * self->batch;
  run.elapsed_ms = (double)(now - start) / 1e6;
  return run;
}

void exchange_warmed_up(exchange *self) {
  if (self->order->throughput || self->order->lossy) return;
  uint64_t ns = histogram_at(self->times, 50);
  if (ns < SHORT_NS) self->batch = (uint32_t)(BATCH_NS / (ns < 10 ? 10 : ns)) + 1;
}

static void answer_trips(exchange *self) {
  for (uint32_t expected = 0;; expected++) {
    message got = receive(self);
    if (got.length < 0) return;
    uint32_t sequence = self->order->lossy ? pattern_sequence_of(&self->messages, got.data, (size_t)got.length) : expected;
    pattern_check(&self->messages, got.data, (size_t)got.length, sequence);
    self->variant->send(self->end, got.data, (size_t)got.length, false);
  }
}

// ---- throughput ---------------------------------------------------------------------------------

static void send_batch(exchange *self) {
  for (size_t left = self->order->batch; left-- > 0;) {
    uint32_t sequence = (uint32_t)self->sequence++;
    send_message(self, sequence, left > 0);
    pattern_used(&self->messages, sequence);
  }
}

static void take_ack(exchange *self) {
  message ack = require_reply(self);
  self->acknowledged += self->order->batch;
  pattern_check(&self->acks, ack.data, (size_t)ack.length, (uint32_t)self->acknowledged);
}

// Repeats the last message of the batch until its acknowledgement comes, which says how many had arrived.
static void take_lossy_ack(exchange *self) {
  for (;;) {
    message ack = receive_reply(self);
    if (ack.length == FLOOR_NOTHING) {
      send_message(self, (uint32_t)(self->sequence - 1), false);
      continue;
    }
    uint32_t received = pattern_sequence_of(&self->acks, ack.data, (size_t)ack.length);
    pattern_check(&self->acks, ack.data, (size_t)ack.length, received);
    // An earlier one, which came late: its message was repeated meanwhile.
    if (received <= self->acknowledged) continue;
    if (received > self->sequence) floor_fail("%u messages arrived of %lu: repeated", received, (unsigned long)self->sequence);
    self->acknowledged = received;
    return;
  }
}

static exchange_run measure_throughput(exchange *self, double duration_ms) {
  uint64_t sent = self->sequence, acknowledged = self->acknowledged;
  int64_t start = floor_now_ns(), end = start + (int64_t)(duration_ms * 1e6);
  bool lossy = self->order->lossy;
  if (!lossy) send_batch(self); // two are on their way
  do {
    send_batch(self);
    if (lossy) take_lossy_ack(self);
    else take_ack(self);
  } while (floor_now_ns() < end);
  if (!lossy) take_ack(self);
  exchange_run run = {.count = self->acknowledged - acknowledged, .elapsed_ms = (double)(floor_now_ns() - start) / 1e6};
  run.lost = self->sequence - sent - run.count;
  return run;
}

static inline void take_message(exchange *self, message got) {
  uint32_t batch = (uint32_t)self->order->batch;
  uint32_t sequence = self->order->lossy ? pattern_sequence_of(&self->messages, got.data, (size_t)got.length) : self->received;
  pattern_check(&self->messages, got.data, (size_t)got.length, sequence);
  if (sequence > self->last) {
    self->received++;
    self->last = sequence;
  }
  bool complete = self->order->lossy ? (sequence + 1) % batch == 0 : --self->left == 0;
  if (!complete) return;
  self->left = batch;
  self->variant->send(self->end, pattern_message(&self->acks, self->received), self->acks.bytes, false);
}

static void answer_throughput(exchange *self) {
  for (;;) {
    message got = receive(self);
    if (got.length < 0) return;
    take_message(self, got);
  }
}

bool exchange_answer_what_came(exchange *self) {
  for (;;) {
    message got;
    got.length = self->variant->receive(self->end, &got.data, false);
    if (got.length < 0) return got.length == FLOOR_NOTHING;
    take_message(self, got);
  }
}

// ---- both ---------------------------------------------------------------------------------------

exchange_run exchange_measure(exchange *self, double duration_ms) {
  histogram_clear(self->times);
  return self->order->throughput ? measure_throughput(self, duration_ms) : measure_trips(self, duration_ms);
}

void exchange_answer(exchange *self) {
  if (self->order->throughput) answer_throughput(self);
  else answer_trips(self);
}
