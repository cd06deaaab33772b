// Two FIFOs, one a direction. fifo(7)
#include "stream.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Both ends of a FIFO that has lost its name again.
static void open_fifo(const char *folder, int *reading, int *writing) {
  char path[256];
  snprintf(path, sizeof path, "%s/fifo", folder);
  floor_check(mkfifo(path, 0600), "mkfifo");
  // Opening to read waits for no writer only where it is non-blocking.
  *reading = (int)floor_check(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open");
  *writing = (int)floor_check(open(path, O_WRONLY | O_CLOEXEC), "open");
  floor_check(fcntl(*reading, F_SETFL, 0), "fcntl");
  floor_check(unlink(path), "unlink");
}

static void fifo_create(floor_end ends[2]) {
  const char *base = getenv("TMPDIR");
  char folder[200];
  snprintf(folder, sizeof folder, "%s/ipc-floor-XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(folder) == NULL) floor_check(-1, "mkdtemp");
  open_fifo(folder, &ends[FLOOR_PING].in, &ends[FLOOR_PONG].out);
  open_fifo(folder, &ends[FLOOR_PONG].in, &ends[FLOOR_PING].out);
  floor_check(rmdir(folder), "rmdir");
}

const floor_variant floor_variants[] = {
    {.variant = "native", .most = INT_MAX, .create = fifo_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = "mkfifo", .most = INT_MAX, .create = fifo_create, .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close},
    {.variant = NULL},
};
