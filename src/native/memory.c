// Shared memory as handles: made, mapped, seen by JavaScript as an external ArrayBuffer, unmapped.
//
// A mapping is followed by one private page. Its first word, the fault word, becomes 1 when the peer took
// memory away (truncated the file) and a page of ours had to be replaced; JavaScript reads it like any
// other word, so that noticing costs no call.
#include "memory.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TMPFS 0x01021994 // linux/magic.h
#define MAX_BUFFERS 3
#define MAX_MAPPINGS 4096

struct ipc_mapping {
  uint8_t *base; // NULL when unmapped
  size_t bytes, fault_offset, reserved;
  int range;
  int holders;
  // The handle and every buffer that V8 has not finalized yet.
  int references;
  int live_buffers;
  int buffer_count;
  napi_ref buffers[MAX_BUFFERS];
};

static const char tag;

// ---- faults -----------------------------------------------------------------------------------

// What the handler sees. `end` is the address of the fault word, `start` is 0 where the entry is free.
static struct {
  atomic_uintptr_t start, end;
} ranges[MAX_MAPPINGS];
static pthread_mutex_t ranges_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static struct sigaction previous;
static int handler_error;
static uintptr_t page_bytes;

static bool replaced(uintptr_t address) {
  for (size_t i = 0; i < MAX_MAPPINGS; i++) {
    uintptr_t start = atomic_load(&ranges[i].start);
    uintptr_t end = atomic_load(&ranges[i].end);
    if (start == 0 || address < start || address >= end) continue;
    // The entry of another mapping may be changing hands meanwhile; ours cannot, it is being accessed.
    if (atomic_load(&ranges[i].start) != start) continue;
    // What follows a missing page is missing too: one new mapping for the rest, so that a large
    // segment costs one fault and not one a page.
    uintptr_t page = address & ~(page_bytes - 1);
    if (mmap((void *)page, end - page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
      return false;
    atomic_store((_Atomic int32_t *)end, 1);
    return true;
  }
  return false;
}

// SIGBUS. mmap(2) is a bare system call, so it is safe here although POSIX does not list it.
static void fault(int number, siginfo_t *info, void *context) {
  int saved = errno;
  bool ours = info->si_code == BUS_ADRERR && replaced((uintptr_t)info->si_addr);
  errno = saved;
  if (ours) return;
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    // A real fault happens again on return and kills; one that was sent must be sent again.
    sigaction(number, &previous, NULL);
    if (info->si_code <= 0 && previous.sa_handler == SIG_DFL) raise(number);
  }
}

static void install(void) {
  page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &previous) < 0) handler_error = errno;
}

static int range_add(uintptr_t start, uintptr_t end) {
  int found = -ENOMEM;
  pthread_mutex_lock(&ranges_lock);
  for (int i = 0; i < MAX_MAPPINGS && found < 0; i++) {
    if (atomic_load(&ranges[i].start) != 0) continue;
    atomic_store(&ranges[i].end, end);
    atomic_store(&ranges[i].start, start);
    found = i;
  }
  pthread_mutex_unlock(&ranges_lock);
  return found;
}

// ---- life of a mapping ------------------------------------------------------------------------

static void mapping_drop(ipc_mapping *self) {
  if (--self->references == 0) free(self);
}

static void mapping_unmap(ipc_mapping *self) {
  if (self->base == NULL) return;
  atomic_store(&ranges[self->range].start, 0);
  munmap(self->base, self->reserved); // a System V segment is detached by that too
  self->base = NULL;
}

static void mapping_release(void *object) {
  mapping_unmap(object);
  mapping_drop(object);
}

// The fallback for a mapping that nobody closed: no buffer is left through which to reach it.
static void buffer_finalized(napi_env env, void *data, void *hint) {
  (void)env, (void)data;
  ipc_mapping *self = hint;
  if (--self->live_buffers == 0 && self->holders == 0) mapping_unmap(self);
  mapping_drop(self);
}

int ipc_memory_open(napi_env env, size_t bytes, ipc_place_fn place, int object) {
  pthread_once(&handler_once, install);
  if (handler_error != 0) return -handler_error;
  if (bytes == 0 || bytes > SIZE_MAX / 4) return -EINVAL;
  ipc_mapping *self = calloc(1, sizeof *self);
  if (self == NULL) return -ENOMEM;
  self->bytes = bytes;
  self->fault_offset = (bytes + page_bytes - 1) & ~(page_bytes - 1);
  self->reserved = self->fault_offset + page_bytes;
  void *base = mmap(NULL, self->reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  int error = base == MAP_FAILED ? -errno : place(base, bytes, object);
  if (error == 0) error = self->range = range_add((uintptr_t)base, (uintptr_t)base + self->fault_offset);
  if (error < 0) {
    if (base != MAP_FAILED) munmap(base, self->reserved);
    free(self);
    return error;
  }
  self->base = base;
  self->references = 1;
  return ipc_handle_add(env, &tag, self, mapping_release);
}

static int place_file(void *at, size_t bytes, int fd) {
  return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ? -errno : 0;
}

static int place_nothing(void *at, size_t bytes, int object) {
  (void)at, (void)bytes, (void)object;
  return 0;
}

// memoryMap(fd, bytes): a handle or -errno. Maps a file shared; fd -1 gives private zeroed memory.
static napi_value memory_map(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int64_t bytes;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int64(env, argv[1], &bytes))
    return NULL;
  if (bytes <= 0) return ipc_int(env, -EINVAL);
  return ipc_int(env, ipc_memory_open(env, (size_t)bytes, fd < 0 ? place_nothing : place_file, fd));
}

// memoryFaultOffset(mapping): where the fault word is.
static napi_value memory_fault_offset(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_mapping *self = ipc_handle_get(env, argv[0], &tag);
  return ipc_int(env, self == NULL ? -EBADF : (int64_t)self->fault_offset);
}

// memoryBuffer(mapping, offset, length): an ArrayBuffer over that part, which may reach to the end of the
// fault word; -ENOTSUP where the embedder forbids external buffers. No two may begin at one address.
static napi_value memory_buffer(napi_env env, napi_callback_info info) {
  napi_value argv[3], buffer;
  int64_t offset, length;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int64(env, argv[1], &offset) || !ipc_get_int64(env, argv[2], &length))
    return NULL;
  ipc_mapping *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL || self->base == NULL) return ipc_int(env, -EBADF);
  int64_t end = (int64_t)(self->fault_offset + sizeof(int32_t));
  if (offset < 0 || length <= 0 || offset > end || length > end - offset || self->buffer_count == MAX_BUFFERS)
    return ipc_int(env, -EINVAL);
  napi_status status =
      napi_create_external_arraybuffer(env, self->base + offset, (size_t)length, buffer_finalized, self, &buffer);
  if (status == napi_no_external_buffers_allowed) return ipc_int(env, -ENOTSUP);
  if (status != napi_ok) return ipc_int(env, -ENOMEM);
  self->references++;
  self->live_buffers++;
  if (napi_create_reference(env, buffer, 0, &self->buffers[self->buffer_count]) != napi_ok) {
    napi_detach_arraybuffer(env, buffer);
    return ipc_int(env, -ENOMEM);
  }
  self->buffer_count++;
  return buffer;
}

// The bytes of the mapping from `offset` on; NULL where they are not all in it.
static uint8_t *part_of(napi_env env, napi_value mapping, int64_t offset, int64_t length) {
  ipc_mapping *self = ipc_handle_get(env, mapping, &tag);
  if (self == NULL || self->base == NULL || offset < 0 || length < 0 || (uint64_t)length > self->bytes ||
      (uint64_t)offset > self->bytes - (uint64_t)length)
    return NULL;
  return self->base + offset;
}

// memoryRead(mapping, offset, target, length): copies `length` bytes out. 0 or -errno.
static napi_value memory_read(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int64_t offset, length;
  uint8_t *target;
  size_t room;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int64(env, argv[1], &offset) ||
      !ipc_get_bytes(env, argv[2], &target, &room) || !ipc_get_int64(env, argv[3], &length))
    return NULL;
  const uint8_t *from = part_of(env, argv[0], offset, length);
  if (from == NULL || (uint64_t)length > room) return ipc_int(env, -EINVAL);
  if (length > 0) memcpy(target, from, (size_t)length);
  return ipc_int(env, 0);
}

// memoryWrite(mapping, offset, source): copies all of it in. 0 or -errno.
static napi_value memory_write(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int64_t offset;
  uint8_t *source;
  size_t length;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_int64(env, argv[1], &offset) ||
      !ipc_get_bytes(env, argv[2], &source, &length))
    return NULL;
  uint8_t *to = part_of(env, argv[0], offset, (int64_t)length);
  if (to == NULL) return ipc_int(env, -EINVAL);
  if (length > 0) memcpy(to, source, length);
  return ipc_int(env, 0);
}

// memoryCompareExchange(mapping, offset, expected, replacement): what the word was, as a signed number. Where it was
// `expected` it is `replacement` now; either way nothing that this thread does passes it.
static napi_value memory_compare_exchange(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  int expected, replacement;
  if (!ipc_args(env, info, 4, argv) || !ipc_get_int(env, argv[2], &expected) || !ipc_get_int(env, argv[3], &replacement))
    return NULL;
  _Atomic int32_t *word = (_Atomic int32_t *)ipc_memory_word(env, argv[0], argv[1]);
  if (word == NULL) {
    napi_throw_range_error(env, NULL, "no such word");
    return NULL;
  }
  atomic_compare_exchange_strong(word, &expected, replacement);
  return ipc_int(env, expected);
}

// memoryFaulted(mapping): 1 where memory was taken away, else 0.
static napi_value memory_faulted(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_mapping *self = ipc_handle_get(env, argv[0], &tag);
  uint32_t *fault = self == NULL ? NULL : ipc_memory_fault_word(self);
  return ipc_int(env, fault == NULL ? -EBADF : (int64_t)atomic_load((_Atomic uint32_t *)fault));
}

// memoryUnmap(mapping): detaches its buffers, then unmaps. -EBUSY while somebody waits in it.
static napi_value memory_unmap(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  if (!ipc_args(env, info, 1, argv)) return NULL;
  ipc_mapping *self = ipc_handle_get(env, argv[0], &tag);
  if (self == NULL) return ipc_int(env, -EBADF);
  if (self->holders > 0) return ipc_int(env, -EBUSY);
  while (self->buffer_count > 0) {
    napi_ref reference = self->buffers[--self->buffer_count];
    napi_value buffer = NULL;
    if (napi_get_reference_value(env, reference, &buffer) == napi_ok && buffer != NULL &&
        napi_detach_arraybuffer(env, buffer) != napi_ok) {
      self->buffer_count++;
      return ipc_int(env, -EBUSY);
    }
    napi_delete_reference(env, reference);
  }
  return ipc_int(env, ipc_handle_release(env, argv[0], &tag));
}

uint32_t *ipc_memory_word_at(ipc_mapping *self, int64_t offset) {
  if (self->base == NULL || offset < 0 || offset % 4 != 0 || offset > (int64_t)self->bytes - 4) return NULL;
  return (uint32_t *)(self->base + offset);
}

uint32_t *ipc_memory_fault_word(ipc_mapping *self) {
  return self->base == NULL ? NULL : (uint32_t *)(self->base + self->fault_offset);
}

uint32_t *ipc_memory_word(napi_env env, napi_value mapping, napi_value offset) {
  int64_t at;
  ipc_mapping *self = ipc_handle_get(env, mapping, &tag);
  if (self == NULL || !ipc_get_int64(env, offset, &at)) return NULL;
  return ipc_memory_word_at(self, at);
}

ipc_mapping *ipc_memory_hold(napi_env env, napi_value mapping) {
  ipc_mapping *self = ipc_handle_get(env, mapping, &tag);
  if (self == NULL || self->base == NULL) return NULL;
  self->holders++;
  self->references++;
  return self;
}

void ipc_memory_unhold(ipc_mapping *self) {
  self->holders--;
  mapping_drop(self);
}

// ---- objects to map ---------------------------------------------------------------------------

// memoryReserve(fd, bytes): gives a new file its size and its room, so that no later access finds the
// file system full. 0 or -errno.
static napi_value memory_reserve(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int64_t bytes;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_int(env, argv[0], &fd) || !ipc_get_int64(env, argv[1], &bytes))
    return NULL;
  if (ftruncate(fd, (off_t)bytes) < 0) return ipc_int(env, -errno);
  int error;
  do error = posix_fallocate(fd, 0, (off_t)bytes);
  while (error == EINTR);
  return ipc_int(env, -error);
}

// memoryCreateSealed(name, bytes): a memfd of that size, reserved, that nobody can shrink, grow or unseal.
static napi_value memory_create_sealed(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  char name[250];
  int64_t bytes;
  if (!ipc_args(env, info, 2, argv) || !ipc_get_string(env, argv[0], name, sizeof name) ||
      !ipc_get_int64(env, argv[1], &bytes))
    return NULL;
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return ipc_int(env, -errno);
  int error = ftruncate(fd, (off_t)bytes) < 0 ? errno : 0;
  if (error == 0)
    do error = posix_fallocate(fd, 0, (off_t)bytes);
    while (error == EINTR);
  if (error == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) error = errno;
  if (error != 0) {
    close(fd);
    return ipc_int(env, -error);
  }
  return ipc_int(env, ipc_fd_own(env, fd));
}

// memorySealedBytes(fd): the size of a memfd that cannot change any more; -EPERM where it can, -EINVAL
// where it is none, or one of huge pages, which may fail to appear even when sealed.
static napi_value memory_sealed_bytes(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  struct stat stat;
  struct statfs system;
  if (!ipc_args(env, info, 1, argv) || !ipc_get_int(env, argv[0], &fd)) return NULL;
  const int need = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return ipc_int(env, -errno);
  if ((seals & need) != need || (seals & F_SEAL_WRITE)) return ipc_int(env, -EPERM);
  if (fstat(fd, &stat) < 0 || fstatfs(fd, &system) < 0) return ipc_int(env, -errno);
  return ipc_int(env, S_ISREG(stat.st_mode) && system.f_type == TMPFS ? (int64_t)stat.st_size : -EINVAL);
}

// memoryOpenNamed(name, flags, mode): shm_open(3), which adds O_CLOEXEC and O_NOFOLLOW; `name` has no slash.
static napi_value memory_open_named(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  char name[257] = "/";
  int flags, mode;
  if (!ipc_args(env, info, 3, argv) || !ipc_get_string(env, argv[0], name + 1, sizeof name - 1) ||
      !ipc_get_int(env, argv[1], &flags) || !ipc_get_int(env, argv[2], &mode))
    return NULL;
  return ipc_int(env, ipc_fd_own(env, shm_open(name, flags, (mode_t)mode)));
}

static void init(napi_env env, napi_value exports) {
  ipc_export(env, exports, "memoryMap", memory_map);
  ipc_export(env, exports, "memoryFaultOffset", memory_fault_offset);
  ipc_export(env, exports, "memoryBuffer", memory_buffer);
  ipc_export(env, exports, "memoryRead", memory_read);
  ipc_export(env, exports, "memoryWrite", memory_write);
  ipc_export(env, exports, "memoryCompareExchange", memory_compare_exchange);
  ipc_export(env, exports, "memoryFaulted", memory_faulted);
  ipc_export(env, exports, "memoryUnmap", memory_unmap);
  ipc_export(env, exports, "memoryReserve", memory_reserve);
  ipc_export(env, exports, "memoryCreateSealed", memory_create_sealed);
  ipc_export(env, exports, "memorySealedBytes", memory_sealed_bytes);
  ipc_export(env, exports, "memoryOpenNamed", memory_open_named);
}
IPC_MODULE(memory, init)
