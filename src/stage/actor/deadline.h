#pragma once
#include <stdint.h>
#include <time.h>

/* `ms` from now on CLOCK_REALTIME, which is the clock of POSIX deadlines. */
struct timespec deadline_in(int64_t ms);
/* `ms` as a length of time. */
struct timespec duration_of(int64_t ms);
