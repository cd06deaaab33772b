/* A read that the kernel performs by itself: begun by one call, complete some time later. io_uring(7) */
#include "actor.h"
#include "ring.h"
#include <errno.h>

static ring own;
static bool made;
static char data[4096];

/* ring_read(fd, room): begins it, and does not wait. One at a time. */
static long do_ring_read(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  size_t room = (size_t)arg_number(args, 1);
  if (room > sizeof data) return from_error(EINVAL);
  if (!made && ring_open(&own, 1) < 0) return -1;
  made = true;
  ring_push(&own, IORING_OP_READ, 0, (int)arg_number(args, 0), data, (uint32_t)room);
  return ring_enter(&own, 0) < 0 ? -1 : 0;
}

/* ring_completed(): what it answered, as the shared memory has it: no system call. EAGAIN where it is not complete. */
static long do_ring_completed(const actor_args *args, actor_reply *reply) {
  (void)args;
  uint8_t operation;
  int result;
  if (!made || !ring_take(&own, &operation, &result)) return from_error(EAGAIN);
  if (result < 0) return from_error(-result);
  reply_bytes(reply, "data", data, (size_t)result);
  return result;
}

ACTOR_CALLS(completions, {"ring_read", do_ring_read}, {"ring_completed", do_ring_completed})
