#include "histogram.h"
#include <math.h>
#include <string.h>

_Static_assert(HISTOGRAM_HIGHEST < 1LL << 36, "a slot for the highest value");

void histogram_clear(histogram *self) { memset(self, 0, sizeof *self); }

void histogram_add(histogram *self, const histogram *other) {
  for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) self->slots[i] += other->slots[i];
  self->count += other->count;
  self->sum += other->sum;
  if (other->highest > self->highest) self->highest = other->highest;
}

static uint64_t upper_edge(unsigned slot) {
  if (slot < 2048) return slot;
  unsigned shift = slot / 1024 - 1;
  return ((uint64_t)(slot - shift * 1024 + 1) << shift) - 1;
}

uint64_t histogram_at(const histogram *self, double percentile) {
  double wanted = ceil(percentile / 100 * (double)self->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
    seen += self->slots[i];
    if (seen > 0 && (double)seen >= wanted) return upper_edge(i) < self->highest ? upper_edge(i) : self->highest;
  }
  return self->highest;
}
