#include "deadline.h"

struct timespec duration_of(int64_t ms) { return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}; }

struct timespec deadline_in(int64_t ms) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  int64_t ns = at.tv_nsec + ms % 1000 * 1000000;
  return (struct timespec){.tv_sec = at.tv_sec + ms / 1000 + ns / 1000000000, .tv_nsec = ns % 1000000000};
}
