#include "order.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static long number(const char *word, const char *text) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != 0 || value < 0 || value > INT_MAX)
    floor_impossible("%s must be a number from 0 on, not '%s'", word, text);
  return value;
}

static bool yes(const char *word, const char *text) {
  long value = number(word, text);
  if (value > 1) floor_impossible("%s must be 0 or 1, not '%s'", word, text);
  return value == 1;
}

// "0,2,3"
static cpu_set_t processors(const char *word, const char *text) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const char *at = text;;) {
    char *end;
    unsigned long cpu = strtoul(at, &end, 10);
    if (end == at || cpu >= CPU_SETSIZE || (*end != ',' && *end != 0))
      floor_impossible("%s must be processors as in '0,1', not '%s'", word, text);
    CPU_SET(cpu, &set);
    if (*end == 0) return set;
    at = end + 1;
  }
}

static int one_of(const char *word, const char *text, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(text, names[i]) == 0) return i;
  floor_impossible("the floor has no %s '%s'", word, text);
}

static void take(floor_order *order, const char *word, const char *text) {
  static const char *const workloads[] = {"round-trip", "throughput", "fan-in"};
  static const char *const waits[] = {[FLOOR_BLOCK] = "block", [FLOOR_SPIN] = "spin", [FLOOR_ADAPTIVE] = "adaptive", [FLOOR_POLL] = "poll"};
  if (strcmp(word, "variant") == 0) order->variant = text;
  else if (strcmp(word, "workload") == 0) order->throughput = one_of(word, text, workloads, 3) > 0;
  else if (strcmp(word, "senders") == 0) order->senders = (int)number(word, text);
  else if (strcmp(word, "wait") == 0) order->wait = (enum floor_wait)one_of(word, text, waits, 4);
  else if (strcmp(word, "payload") == 0) order->payload = (size_t)number(word, text);
  else if (strcmp(word, "batch") == 0) order->batch = (size_t)number(word, text);
  else if (strcmp(word, "ack") == 0) order->ack = (size_t)number(word, text);
  else if (strcmp(word, "ping") == 0) order->ping = processors(word, text);
  else if (strcmp(word, "pong") == 0) order->pong = processors(word, text);
  else if (strcmp(word, "warmup") == 0) order->warmup_ms = number(word, text);
  else if (strcmp(word, "limit") == 0) order->limit_ms = number(word, text);
  else if (strcmp(word, "lossy") == 0) order->lossy = yes(word, text);
  else floor_impossible("unknown word '%s'", word);
}

floor_order order_of(int argc, char **argv) {
  floor_order order = {.payload = 64, .batch = 1024, .ack = 8, .warmup_ms = 100, .limit_ms = 30000};
  floor_check(sched_getaffinity(0, sizeof order.ping, &order.ping), "sched_getaffinity");
  order.pong = order.ping;
  for (int i = 1; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (equals == NULL) floor_impossible("'%s' is no word: write key=value", argv[i]);
    *equals = 0;
    take(&order, argv[i], equals + 1);
  }
  if (order.variant == NULL) floor_impossible("variant= is missing");
  if (order.batch == 0) floor_impossible("batch must be 1 at least");
  order.alone = CPU_COUNT(&order.ping) == 1 && CPU_EQUAL(&order.ping, &order.pong);
  return order;
}

static void require_payload(const floor_variant *variant, size_t bytes) {
  if (bytes > variant->most && variant->most == 0) floor_impossible("events carry no bytes");
  if (bytes > variant->most) floor_impossible("a message has at most %zu bytes", variant->most);
  if (bytes < variant->least) floor_impossible("a message has at least %zu bytes", variant->least);
}

const floor_variant *order_variant(const floor_order *order) {
  const floor_variant *variant = floor_variants;
  while (variant->variant != NULL && strcmp(variant->variant, order->variant) != 0) variant++;
  if (variant->variant == NULL) floor_impossible("the floor has no variant '%s'", order->variant);
  require_payload(variant, order->payload);
  if (order->throughput) require_payload(variant, order->ack);
  if (order->throughput && variant->coalesces) floor_impossible("equal events coalesce, so that their number means nothing");
  if (order->senders > MOST_SENDERS) floor_impossible("at most %d senders", MOST_SENDERS);
  if (order->senders > 0 && (!order->throughput || order->wait != FLOOR_POLL)) floor_impossible("one receiver polls all its senders");
  if (order->senders > 0 && variant->threads) floor_impossible("senders are processes");
  if (order->wait == FLOOR_SPIN && order->alone) floor_impossible("who spins on the one processor keeps the other side from answering");
  return variant;
}
