#include "pattern.h"
#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pattern_message stores the number as it is");

pattern pattern_of(size_t bytes) {
  pattern self = {.bytes = bytes, .header = bytes < PATTERN_HEADER ? bytes : PATTERN_HEADER};
  for (size_t slot = 0; slot < PATTERN_SLOTS; slot++) {
    self.slots[slot] = floor_allocate(bytes);
    for (size_t i = 0; i < bytes; i++) self.slots[slot][i] = (uint8_t)(i * 31 + (i >> 8) * 17 + slot * 64 + 7);
  }
  return self;
}

void pattern_free(pattern *self) {
  for (size_t slot = PATTERN_SLOTS; slot-- > 0;) free(self->slots[slot]);
}

uint32_t pattern_sequence_of(const pattern *self, const uint8_t *data, size_t length) {
  uint32_t sequence = 0;
  for (size_t i = 0; i < self->header && i < length; i++) sequence |= (uint32_t)data[i] << (8 * i);
  return sequence;
}

void pattern_wrong(const pattern *self, const uint8_t *data, size_t length, uint32_t sequence) {
  if (length != self->bytes) floor_fail("message %u arrived with %zu bytes instead of %zu", sequence, length, self->bytes);
  uint32_t claimed = pattern_sequence_of(self, data, length);
  uint32_t expected = pattern_sequence_of(self, pattern_message(self, sequence), length);
  if (claimed != expected && memcmp(data, pattern_message(self, claimed), length) == 0)
    floor_fail("message %u arrived instead of %u: %s", claimed, expected, claimed > expected ? "lost or overtaken" : "repeated or late");
  const uint8_t *right = pattern_message(self, sequence);
  size_t at = 0;
  while (at + 1 < length && data[at] == right[at]) at++;
  floor_fail("message %u arrived with a wrong byte at %zu of %zu", sequence, at, length);
}
