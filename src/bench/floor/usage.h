// What a process has used until now, all its threads together, read from outside.
#pragma once
#include <stdint.h>
#include <sys/types.h>

typedef struct {
  double cpu_us;
  uint64_t voluntary, involuntary; // context switches
  uint64_t peak_rss_bytes;
} usage;

usage usage_of(pid_t process);
