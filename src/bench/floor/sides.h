// What the two forms of a floor share: two sides (floor.c), and many senders to one receiver (fan-in.c).
#pragma once
#include "exchange.h"
#include "usage.h"

#define SIDE_READY "{\"ready\":true}\n"
#define SIDE_NO_TIMES "{}\n"

typedef struct {
  const floor_variant *variant;
  const floor_order *order;
  floor_end ends[2];
  exchange exchanges[2];
  pthread_t pong; // where it is a thread
} channel;

void channel_create(channel *self, const floor_variant *variant, const floor_order *order);
// In the process of that side.
exchange *channel_open(channel *self, int side);
void channel_close(channel *self, int side);

void side_arm_watchdog(long limit_ms);
void side_place(const cpu_set_t *processors);
void side_close_end(const floor_end *end);
// To the driver.
void side_say(const char *line, size_t length);
// `times` may be NULL.
void side_say_round(const exchange_run *run, usage before, usage after, uint32_t batch, const histogram *times);
// The driver's next word.
enum side_word { SIDE_END, SIDE_WARM, SIDE_RUN };
enum side_word side_told(double *duration_ms);

// Ping receives from as many pongs as the order says, each a process with a channel of its own.
void fan_in(const floor_variant *variant, const floor_order *order);
