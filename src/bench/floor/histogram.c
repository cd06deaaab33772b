#include "histogram.h"
#include <math.h>
#include <string.h>

_Static_assert(HISTOGRAM_HIGHEST < 1LL << 36, "a slot for the highest value");

void histogram_clear(histogram *self) { memset(self, 0, sizeof *self); }

void histogram_add(histogram *self, const histogram *other) {
  for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) self->slots[i] += other->slots[i];
  self->count += other->count;
  if (other->highest > self->highest) self->highest = other->highest;
}

uint64_t histogram_edge(const histogram *self, unsigned slot) {
  uint64_t edge = slot;
  if (slot >= 2048) {
    unsigned shift = slot / 1024 - 1;
    edge = ((uint64_t)(slot - shift * 1024 + 1) << shift) - 1;
  }
  return edge < self->highest ? edge : self->highest;
}

uint64_t histogram_at(const histogram *self, double percentile) {
  double wanted = ceil(percentile / 100 * (double)self->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
    seen += self->slots[i];
    if (seen > 0 && (double)seen >= wanted) return histogram_edge(self, i);
  }
  return self->highest;
}
