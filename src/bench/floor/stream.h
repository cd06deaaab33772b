// Messages over a byte stream, as core/framing.ts: a 4-byte little-endian length, then the bytes.
#pragma once
#include "floor.h"

void stream_open(floor_end *end);
void stream_close(floor_end *end);
// One writev(2) a message, unless the kernel takes it in parts.
void stream_send(floor_end *end, const void *data, size_t length, bool more);
// Reads as much as comes, and cuts messages off it.
ssize_t stream_receive(floor_end *end, const uint8_t **data, bool wait);
