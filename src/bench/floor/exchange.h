// The exchanges, both sides of each: as ../exchange.ts.
#pragma once
#include "floor.h"
#include "histogram.h"
#include "pattern.h"

typedef struct {
  const floor_variant *variant;
  floor_end *end;
  const floor_order *order;
  pattern messages, acks;
  uint32_t batch; // round trips that each time stands for
  uint64_t sequence, acknowledged;
  uint32_t received, left; // by the other side, and until it acknowledges
  int64_t last;
  histogram *times; // of the run at hand
} exchange;

typedef struct {
  uint64_t count, lost;
  double elapsed_ms;
} exchange_run;

exchange exchange_over(const floor_variant *variant, floor_end *end);
void exchange_free(exchange *self);
// The side that measures. The run's times are in self->times, which it clears first.
exchange_run exchange_measure(exchange *self, double duration_ms);
// After a run that warmed up: from now on times are taken of batches, where a round trip took very short.
void exchange_warmed_up(exchange *self);
// The other side. Returns when the channel has ended.
void exchange_answer(exchange *self);
// Of throughput: answers all that is there, without waiting. False when the channel has ended.
bool exchange_answer_what_came(exchange *self);
