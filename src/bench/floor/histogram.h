// Times in ns at three significant digits up to 60 s: linear up to 2048, then 1024 steps an octave.
#pragma once
#include <stdint.h>

#define HISTOGRAM_HIGHEST 60000000000
#define HISTOGRAM_SLOTS (1024 * (36 - 10 + 1)) // 60 s have 36 bits

typedef struct {
  uint64_t slots[HISTOGRAM_SLOTS];
  uint64_t count, highest;
} histogram;

static inline unsigned histogram_slot(uint64_t value) {
  if (value < 2048) return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 10;
  return shift * 1024 + (unsigned)(value >> shift);
}

static inline void histogram_record(histogram *self, int64_t ns) {
  uint64_t value = ns < 0 ? 0 : ns > HISTOGRAM_HIGHEST ? HISTOGRAM_HIGHEST : (uint64_t)ns;
  self->slots[histogram_slot(value)]++;
  self->count++;
  if (value > self->highest) self->highest = value;
}

void histogram_clear(histogram *self);
void histogram_add(histogram *self, const histogram *other);
// The upper edge of a step, at most what was seen.
uint64_t histogram_edge(const histogram *self, unsigned slot);
// The upper edge of the step that holds this percentile, at most what was seen; 0 of nothing.
uint64_t histogram_at(const histogram *self, double percentile);
