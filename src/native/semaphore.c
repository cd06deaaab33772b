// POSIX named semaphores, sem_overview(7), and System V semaphore sets, sysvipc(7).
#include "native.h"
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#define FIRST_LOOK_NS 20000
#define LONGEST_LOOK_NS 2000000

// No semaphore announces that its count has left the maximum: a thread looks, less and less often.
static bool look_again(struct timespec *pause, const atomic_bool *cancelled) {
  if (atomic_load(cancelled)) return false;
  nanosleep(pause, NULL);
  if (pause->tv_nsec < LONGEST_LOOK_NS) pause->tv_nsec *= 2;
  return true;
}

// ---- POSIX ------------------------------------------------------------------------------------

#define SEM_NAME_BYTES 256

static const char tag;

static void sem_release(void *object) { sem_close(object); }

static sem_t *sem_of(napi_env env, napi_value handle) { return ipc_handle_get(env, handle, &tag); }

// semOpen(name): a handle of one that exists.
static napi_value sem_open_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  char name[SEM_NAME_BYTES];
  if (!ipc_args(env, info, 1, argv) || !ipc_get_string(env, argv[0], name, sizeof name)) return NULL;
  sem_t *semaphore;
  do semaphore = sem_open(name, 0);
  while (semaphore == SEM_FAILED && errno == EINTR);
  if (semaphore == SEM_FAILED) return ipc_int(env, -errno);
  return ipc_int(env, ipc_handle_add(env, &tag, semaphore, sem_release));
}

// semImage(target, value): the bytes of a fresh semaphore that processes share. The bytes written, sizeof(sem_t).
static napi_value sem_image(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  uint8_t *target;
  size_t length;
  int value;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_bytes(env, argv[0], &target, &length) || !ipc_get_int(env, argv[1], &value)) return NULL;
  sem_t fresh;
  if (length < sizeof fresh) return ipc_int(env, -EMSGSIZE);
  memset(&fresh, 0, sizeof fresh);
  if (sem_init(&fresh, 1, (unsigned)value) < 0) return ipc_int(env, -errno); // a negative value is too large
  memcpy(target, &fresh, sizeof fresh);
  return ipc_int(env, sem_destroy(&fresh) < 0 ? -errno : (int)sizeof fresh);
}

static napi_value sem_close_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

static napi_value sem_unlink_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  char name[SEM_NAME_BYTES];
  if (!ipc_args(env, info, 1, argv) || !ipc_get_string(env, argv[0], name, sizeof name)) return NULL;
  return ipc_int(env, ipc_result(sem_unlink(name)));
}

// semPost(semaphore): -EOVERFLOW at SEM_VALUE_MAX.
static napi_value sem_post_(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  sem_t *semaphore = sem_of(env, argv[0]);
  return ipc_int(env, semaphore == NULL ? -EBADF : ipc_result(sem_post(semaphore)));
}

static napi_value sem_try_wait(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  sem_t *semaphore = sem_of(env, argv[0]);
  if (semaphore == NULL) return ipc_int(env, -EBADF);
  int result;
  do result = sem_trywait(semaphore);
  while (result < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(result));
}

// semWait(semaphore, timeoutMs): takes a token, on this thread. -ETIMEDOUT; negative: no limit. A signal does not end it.
static napi_value sem_wait_(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  double timeout;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_double(env, argv[1], &timeout)) return NULL;
  sem_t *semaphore = sem_of(env, argv[0]);
  if (semaphore == NULL) return ipc_int(env, -EBADF);
  struct timespec deadline;
  bool bounded = ipc_deadline(timeout, &deadline);
  int result;
  do result = bounded ? sem_clockwait(semaphore, CLOCK_MONOTONIC, &deadline) : sem_wait(semaphore);
  while (result < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(result));
}

static int64_t token_wait(void *arg, const atomic_bool *cancelled) {
  do {
    if (atomic_load(cancelled)) return -ECANCELED;
    if (sem_wait(arg) == 0) return 0;
  } while (errno == EINTR);
  return -errno;
}

static int64_t below_maximum_wait(void *arg, const atomic_bool *cancelled) {
  struct timespec pause = {0, FIRST_LOOK_NS};
  int value;
  do {
    if (sem_getvalue(arg, &value) < 0) return -errno;
    if (value < SEM_VALUE_MAX) return 0;
  } while (look_again(&pause, cancelled));
  return -ECANCELED;
}

static void borrowed(void *object) { (void)object; }

// semWaiter(semaphore, forRoom): a waiter that takes a token, or waits until one can be posted. The
// semaphore must outlive it, as it does at the environment's end.
static napi_value sem_waiter(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int for_room;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[1], &for_room)) return NULL;
  sem_t *semaphore = sem_of(env, argv[0]);
  if (semaphore == NULL) return ipc_int(env, -EBADF);
  return ipc_int(env, ipc_waiter_open(env, for_room ? below_maximum_wait : token_wait, semaphore, borrowed));
}

// ---- System V ---------------------------------------------------------------------------------

#define MAX_OPERATIONS 4

union argument { // semctl(2): the caller must define it
  int val;
  struct semid_ds *buf;
  unsigned short *array;
};

// semsetOpen(key, count, flags): the identifier. Mode bits are part of the flags, and no umask applies to them.
static napi_value semset_open(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int key, count, flags;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &key) || !ipc_get_int(env, argv[1], &count) ||
      !ipc_get_int(env, argv[2], &flags))
    return NULL;
  return ipc_int(env, ipc_result(semget((key_t)key, count, flags)));
}

static napi_value semset_remove(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  return ipc_int(env, ipc_result(semctl(id, 0, IPC_RMID)));
}

// semsetChanged(id): sem_ctime, in seconds: when the set was made or its values were set.
static napi_value semset_changed(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  struct semid_ds state;
  if (semctl(id, 0, IPC_STAT, (union argument){.buf = &state}) < 0) return ipc_int(env, -errno);
  return ipc_int(env, (int64_t)state.sem_ctime);
}

// semsetSize(id): how many semaphores it has.
static napi_value semset_size(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int id;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &id)) return NULL;
  struct semid_ds state;
  if (semctl(id, 0, IPC_STAT, (union argument){.buf = &state}) < 0) return ipc_int(env, -errno);
  return ipc_int(env, (int64_t)state.sem_nsems);
}

static napi_value semset_value(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id, index;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int(env, argv[1], &index)) return NULL;
  return ipc_int(env, ipc_result(semctl(id, index, GETVAL)));
}

// semsetOperate(id, operations: Int16Array of (index, change)): all at once or none, never waits. semop(2)
static napi_value semset_operate(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id;
  uint8_t *bytes;
  size_t length;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_bytes(env, argv[1], &bytes, &length))
    return NULL;
  size_t count = length / (2 * sizeof(int16_t));
  if (count > MAX_OPERATIONS) return ipc_int(env, -E2BIG);
  int16_t changes[2 * MAX_OPERATIONS];
  memcpy(changes, bytes, count * 2 * sizeof(int16_t));
  struct sembuf operations[MAX_OPERATIONS];
  for (size_t i = 0; i < count; i++)
    operations[i] = (struct sembuf){(unsigned short)changes[2 * i], changes[2 * i + 1], IPC_NOWAIT};
  int result;
  do result = semop(id, operations, count);
  while (result < 0 && errno == EINTR);
  return ipc_int(env, ipc_result(result));
}

// Takes a token, on this thread. -EAGAIN after the timeout; negative: no limit. A signal does not end it.
static int take_within(int id, int index, short flags, double timeout) {
  struct timespec deadline, left;
  bool bounded = ipc_deadline(timeout, &deadline);
  struct sembuf take = {(unsigned short)index, -1, flags};
  int result;
  // semtimedop(2) takes a duration and is never restarted after a signal.
  do {
    int ms = ipc_remaining_ms(bounded, &deadline);
    left = (struct timespec){ms / 1000, (ms % 1000) * 1000000L};
    result = semtimedop(id, &take, 1, bounded ? &left : NULL);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

// The same for a waiter's thread.
static int64_t take_unless(int id, int index, short flags, const atomic_bool *cancelled) {
  struct sembuf take = {(unsigned short)index, -1, flags};
  do {
    if (atomic_load(cancelled)) return -ECANCELED;
    if (semop(id, &take, 1) == 0) return 0;
  } while (errno == EINTR);
  return -errno;
}

// semsetWait(id, index, timeoutMs): take_within.
static napi_value semset_wait(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int id, index;
  double timeout;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int(env, argv[1], &index) ||
      !ipc_get_double(env, argv[2], &timeout))
    return NULL;
  return ipc_int(env, take_within(id, index, 0, timeout));
}

typedef struct {
  int id, index;
} member;

static int64_t set_token_wait(void *arg, const atomic_bool *cancelled) {
  member *self = arg;
  return take_unless(self->id, self->index, 0, cancelled);
}

#define SEMVMX 32767 // the kernel's, and not in its headers

static int64_t set_below_maximum_wait(void *arg, const atomic_bool *cancelled) {
  member *self = arg;
  struct timespec pause = {0, FIRST_LOOK_NS};
  do {
    int value = semctl(self->id, self->index, GETVAL);
    if (value < 0) return -errno;
    if (value < SEMVMX) return 0;
  } while (look_again(&pause, cancelled));
  return -ECANCELED;
}

// semsetWaiter(id, index, forRoom): a waiter that takes a token, or waits until one can be posted.
static napi_value semset_waiter(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int id, index, for_room;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int(env, argv[1], &index) ||
      !ipc_get_int(env, argv[2], &for_room))
    return NULL;
  member *self = malloc(sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  *self = (member){id, index};
  return ipc_int(env, ipc_waiter_open(env, for_room ? set_below_maximum_wait : set_token_wait, self, free));
}

// ---- System V, held ---------------------------------------------------------------------------

// Permits that come back when their holder ends: by SEM_UNDO when the process does, however it ends, and by this
// handle when the environment does. The threads of a process share one list of what is to be undone
// (CLONE_SYSVSEM, clone(2)), so a Worker's end undoes nothing by itself, and any thread gives back for any other.
typedef struct {
  int id, index;
  atomic_int held;
} holder;

static const char holder_tag;

static int give_back(holder *self, int count) {
  struct sembuf give = {(unsigned short)self->index, (short)count, IPC_NOWAIT | SEM_UNDO};
  int result;
  do result = semop(self->id, &give, 1);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

static void holder_release(void *object) {
  holder *self = object;
  int held = atomic_load(&self->held);
  if (held > 0) give_back(self, held); // of a set that was removed nothing is held
  free(self);
}

static holder *holder_of(napi_env env, napi_value handle) { return ipc_handle_get(env, handle, &holder_tag); }

// semsetHolder(id, index): a handle, which holds nothing yet; -errno.
static napi_value semset_holder(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int id, index;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &id) || !ipc_get_int(env, argv[1], &index)) return NULL;
  holder *self = malloc(sizeof *self);
  if (self == NULL) return ipc_int(env, -ENOMEM);
  *self = (holder){id, index, 0};
  return ipc_int(env, ipc_handle_add(env, &holder_tag, self, holder_release));
}

// semsetHold(holder, timeoutMs): takes one, as semsetWait. With 0 it never waits.
static napi_value semset_hold(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  double timeout;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_double(env, argv[1], &timeout)) return NULL;
  holder *self = holder_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  int result = take_within(self->id, self->index, SEM_UNDO | (timeout == 0 ? IPC_NOWAIT : 0), timeout);
  if (result == 0) atomic_fetch_add(&self->held, 1);
  return ipc_int(env, result);
}

// semsetGiveBack(holder): one of those that it holds.
static napi_value semset_give_back(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  holder *self = holder_of(env, argv[0]);
  if (self == NULL) return ipc_int(env, -EBADF);
  int result = give_back(self, 1);
  if (result == 0) atomic_fetch_sub(&self->held, 1);
  return ipc_int(env, result);
}

static int64_t hold_wait(void *arg, const atomic_bool *cancelled) {
  holder *self = arg;
  int64_t result = take_unless(self->id, self->index, SEM_UNDO, cancelled);
  if (result == 0) atomic_fetch_add(&self->held, 1);
  return result;
}

// semsetHoldWaiter(holder): a waiter that takes one. Close it before the holder, as the environment's end does.
static napi_value semset_hold_waiter(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  holder *self = holder_of(env, argv[0]);
  return ipc_int(env, self == NULL ? -EBADF : ipc_waiter_open(env, hold_wait, self, borrowed));
}

// semsetHolderClose(holder): gives back all that it holds.
static napi_value semset_holder_close(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  return ipc_int(env, ipc_handle_release(env, argv[0], &holder_tag));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "semOpen", sem_open_);
  ipc_export(env, exports, "semImage", sem_image);
  ipc_export(env, exports, "semClose", sem_close_);
  ipc_export(env, exports, "semUnlink", sem_unlink_);
  ipc_export(env, exports, "semPost", sem_post_);
  ipc_export(env, exports, "semTryWait", sem_try_wait);
  ipc_export(env, exports, "semWait", sem_wait_);
  ipc_export(env, exports, "semWaiter", sem_waiter);
  ipc_export(env, exports, "semsetOpen", semset_open);
  ipc_export(env, exports, "semsetRemove", semset_remove);
  ipc_export(env, exports, "semsetChanged", semset_changed);
  ipc_export(env, exports, "semsetSize", semset_size);
  ipc_export(env, exports, "semsetValue", semset_value);
  ipc_export(env, exports, "semsetOperate", semset_operate);
  ipc_export(env, exports, "semsetWait", semset_wait);
  ipc_export(env, exports, "semsetWaiter", semset_waiter);
  ipc_export(env, exports, "semsetHolder", semset_holder);
  ipc_export(env, exports, "semsetHold", semset_hold);
  ipc_export(env, exports, "semsetGiveBack", semset_give_back);
  ipc_export(env, exports, "semsetHoldWaiter", semset_hold_waiter);
  ipc_export(env, exports, "semsetHolderClose", semset_holder_close);
}
IPC_MODULE(semaphore, init)
