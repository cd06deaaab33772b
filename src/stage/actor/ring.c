#include "ring.h"
#include "actor.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned *word(const ring *of, unsigned offset) { return (unsigned *)(void *)(of->shared + offset); }

long ring_open(ring *made, unsigned entries) {
  *made = (ring){.shared = MAP_FAILED, .requests = MAP_FAILED};
  made->fd = (int)syscall(SYS_io_uring_setup, entries, &made->params);
  if (made->fd < 0) return -1;
  const struct io_uring_params *params = &made->params;
  size_t requests_end = params->sq_off.array + params->sq_entries * sizeof(unsigned);
  size_t completions_end = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
  made->shared_length = requests_end > completions_end ? requests_end : completions_end;
  // Before 5.4 the two rings were mapped apart.
  errno = ENOSYS;
  if (params->features & IORING_FEAT_SINGLE_MMAP) {
    made->shared = mmap(NULL, made->shared_length, PROT_READ | PROT_WRITE, MAP_SHARED, made->fd, IORING_OFF_SQ_RING);
    made->requests = mmap(NULL, params->sq_entries * sizeof *made->requests, PROT_READ | PROT_WRITE, MAP_SHARED, made->fd, IORING_OFF_SQES);
  }
  if (made->shared != MAP_FAILED && made->requests != MAP_FAILED) return 0;
  int error = errno;
  ring_close(made);
  return from_error(error);
}

void ring_close(ring *of) {
  if (of->requests != MAP_FAILED) munmap(of->requests, of->params.sq_entries * sizeof *of->requests);
  if (of->shared != MAP_FAILED) munmap(of->shared, of->shared_length);
  close(of->fd);
}

void ring_push(ring *to, uint8_t operation, uint8_t flags, int fd, void *data, uint32_t length) {
  unsigned *tail = word(to, to->params.sq_off.tail);
  unsigned at = *tail & (to->params.sq_entries - 1);
  to->requests[at] = (struct io_uring_sqe){.opcode = operation,
                                           .flags = flags,
                                           .fd = fd,
                                           .addr = (uintptr_t)data,
                                           .len = length,
                                           .user_data = operation};
  word(to, to->params.sq_off.array)[at] = at;
  // The kernel sees the request before it sees that there is one more.
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  to->unsubmitted++;
}

long ring_enter(ring *at, unsigned completions) {
  long result = syscall(SYS_io_uring_enter, at->fd, at->unsubmitted, completions, IORING_ENTER_GETEVENTS, NULL, 0);
  if (result >= 0) at->unsubmitted -= (unsigned)result;
  return result;
}

bool ring_take(ring *from, uint8_t *operation, int *result) {
  unsigned *head = word(from, from->params.cq_off.head);
  if (*head == __atomic_load_n(word(from, from->params.cq_off.tail), __ATOMIC_ACQUIRE)) return false;
  const struct io_uring_cqe *completions = (const void *)(from->shared + from->params.cq_off.cqes);
  const struct io_uring_cqe *oldest = &completions[*head & (from->params.cq_entries - 1)];
  *operation = (uint8_t)oldest->user_data;
  *result = oldest->res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return true;
}
