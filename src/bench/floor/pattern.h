// What the messages hold: as ../payload.ts.
#pragma once
#include "floor.h"
#include <string.h>

#define PATTERN_SLOTS 4
#define PATTERN_HEADER 4

typedef struct {
  size_t bytes, header;
  uint8_t *slots[PATTERN_SLOTS];
} pattern;

pattern pattern_of(size_t bytes);
void pattern_free(pattern *self);

static inline void pattern_number(const pattern *self, uint8_t *data, uint32_t sequence) {
  if (self->header == PATTERN_HEADER) {
    memcpy(data, &sequence, PATTERN_HEADER); // little-endian, as all machines that this is built for
    return;
  }
  for (size_t i = 0; i < self->header; i++) data[i] = (uint8_t)(sequence >> (8 * i));
}

// The message with this number. Its memory serves again for the fourth message after it.
static inline const uint8_t *pattern_message(const pattern *self, uint32_t sequence) {
  uint8_t *data = self->slots[sequence % PATTERN_SLOTS];
  if (self->header < PATTERN_HEADER || memcmp(data, &sequence, PATTERN_HEADER) != 0) pattern_number(self, data, sequence);
  return data;
}

// When the message with this number was used: numbers the fourth one after it by now, for a copy that begins while
// a narrower store is on its way waits for it.
static inline void pattern_used(const pattern *self, uint32_t sequence) {
  pattern_number(self, self->slots[sequence % PATTERN_SLOTS], sequence + PATTERN_SLOTS);
}

uint32_t pattern_sequence_of(const pattern *self, const uint8_t *data, size_t length);
_Noreturn void pattern_wrong(const pattern *self, const uint8_t *data, size_t length, uint32_t sequence);

// Fails unless these bytes are the message with this number.
static inline void pattern_check(const pattern *self, const uint8_t *data, size_t length, uint32_t sequence) {
  if (length != self->bytes || (length > 0 && memcmp(data, pattern_message(self, sequence), length) != 0))
    pattern_wrong(self, data, length, sequence);
  pattern_used(self, sequence);
}
