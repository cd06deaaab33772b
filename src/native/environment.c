// Registration of modules, arguments, and what an environment owns: descriptors and handles.
#include "native.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ipc_module *modules;

void ipc_module_add(ipc_module *module) {
  module->next = modules;
  modules = module;
}

typedef struct {
  const void *type;
  void *object;
  ipc_release_fn release;
} handle_slot;

typedef struct {
  uint8_t *owned; // one bit a descriptor
  size_t owned_bytes;
  handle_slot *handles;
  size_t handle_count, handle_capacity;
} environment;

static environment *environment_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

static void environment_end(void *data) {
  environment *self = data;
  for (size_t i = self->handle_count; i-- > 0;) {
    handle_slot slot = self->handles[i];
    self->handles[i].object = NULL;
    if (slot.object != NULL) slot.release(slot.object);
  }
  for (size_t fd = 0; fd < self->owned_bytes * 8; fd++)
    if (self->owned[fd / 8] & (1u << (fd % 8))) close((int)fd);
  free(self->handles);
  free(self->owned);
  free(self);
}

// ---- descriptors ------------------------------------------------------------------------------

int ipc_fd_own(napi_env env, int fd) {
  if (fd < 0) return -errno;
  environment *self = environment_of(env);
  size_t need = (size_t)fd / 8 + 1;
  if (need > self->owned_bytes) {
    size_t size = need < 64 ? 64 : need * 2;
    uint8_t *grown = realloc(self->owned, size);
    if (grown == NULL) {
      close(fd);
      return -ENOMEM;
    }
    memset(grown + self->owned_bytes, 0, size - self->owned_bytes);
    self->owned = grown;
    self->owned_bytes = size;
  }
  self->owned[fd / 8] |= (uint8_t)(1u << (fd % 8));
  return fd;
}

int ipc_fd_forget(napi_env env, int fd) {
  environment *self = environment_of(env);
  if (fd < 0 || (size_t)fd / 8 >= self->owned_bytes || !(self->owned[fd / 8] & (1u << (fd % 8)))) return -EBADF;
  self->owned[fd / 8] &= (uint8_t) ~(1u << (fd % 8));
  return fd;
}

int ipc_fd_close(napi_env env, int fd) {
  int forgotten = ipc_fd_forget(env, fd);
  if (forgotten < 0) return forgotten;
  // Linux releases the descriptor even when close(2) says EINTR: never again.
  return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

// ---- handles ----------------------------------------------------------------------------------

int ipc_handle_add(napi_env env, const void *type, void *object, ipc_release_fn release) {
  environment *self = environment_of(env);
  if (self->handle_count == self->handle_capacity) {
    size_t capacity = self->handle_capacity == 0 ? 16 : self->handle_capacity * 2;
    handle_slot *grown = realloc(self->handles, capacity * sizeof *grown);
    if (grown == NULL) {
      release(object);
      return -ENOMEM;
    }
    self->handles = grown;
    self->handle_capacity = capacity;
  }
  self->handles[self->handle_count] = (handle_slot){type, object, release};
  return (int)self->handle_count++;
}

static handle_slot *slot_of(napi_env env, napi_value value, const void *type) {
  environment *self = environment_of(env);
  int index;
  if (!ipc_get_int(env, value, &index)) return NULL;
  if (index < 0 || (size_t)index >= self->handle_count) return NULL;
  handle_slot *slot = &self->handles[index];
  return slot->object != NULL && slot->type == type ? slot : NULL;
}

void *ipc_handle_get(napi_env env, napi_value value, const void *type) {
  handle_slot *slot = slot_of(env, value, type);
  return slot == NULL ? NULL : slot->object;
}

int ipc_handle_release(napi_env env, napi_value value, const void *type) {
  handle_slot *slot = slot_of(env, value, type);
  if (slot == NULL) return -EBADF;
  void *object = slot->object;
  ipc_release_fn release = slot->release;
  slot->object = NULL;
  // Numbers are reused only from the top, so that a stale handle is refused for as long as possible.
  environment *self = environment_of(env);
  while (self->handle_count > 0 && self->handles[self->handle_count - 1].object == NULL) self->handle_count--;
  release(object);
  return 0;
}

// ---- arguments --------------------------------------------------------------------------------

bool ipc_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv) {
  size_t argc = want;
  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok) return false;
  if (argc >= want) return true;
  napi_throw_type_error(env, NULL, "too few arguments");
  return false;
}

bool ipc_get_int(napi_env env, napi_value value, int *out) {
  int32_t number;
  if (napi_get_value_int32(env, value, &number) == napi_ok) {
    *out = number;
    return true;
  }
  napi_throw_type_error(env, NULL, "expected an integer");
  return false;
}

bool ipc_get_int64(napi_env env, napi_value value, int64_t *out) {
  if (napi_get_value_int64(env, value, out) == napi_ok) return true;
  napi_throw_type_error(env, NULL, "expected a number");
  return false;
}

bool ipc_get_double(napi_env env, napi_value value, double *out) {
  if (napi_get_value_double(env, value, out) == napi_ok) return true;
  napi_throw_type_error(env, NULL, "expected a number");
  return false;
}

bool ipc_get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  void *at = NULL;
  *data = NULL;
  *length = 0;
  napi_typedarray_type type;
  // Uint8Array first: the hot paths pass nothing else.
  if (napi_get_typedarray_info(env, value, &type, length, &at, NULL, NULL) == napi_ok) {
    static const uint8_t width[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
    if ((size_t)type < sizeof width) *length *= width[type];
    // Of no bytes V8 may have no address, and C functions take none for NULL. mq_send(3)
    static uint8_t nothing;
    *data = at == NULL ? &nothing : at;
    return true;
  }
  napi_valuetype kind;
  if (napi_typeof(env, value, &kind) == napi_ok && (kind == napi_undefined || kind == napi_null)) return true;
  if (napi_get_arraybuffer_info(env, value, &at, length) == napi_ok ||
      napi_get_dataview_info(env, value, length, &at, NULL, NULL) == napi_ok) {
    *data = at;
    return true;
  }
  napi_throw_type_error(env, NULL, "expected bytes");
  return false;
}

bool ipc_get_string(napi_env env, napi_value value, char *out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && length < size &&
      napi_get_value_string_utf8(env, value, out, size, &length) == napi_ok && strlen(out) == length)
    return true;
  napi_throw_type_error(env, NULL, "expected a string that fits");
  return false;
}

napi_value ipc_int(napi_env env, int64_t value) {
  napi_value result = NULL;
  if (value >= INT32_MIN && value <= INT32_MAX)
    napi_create_int32(env, (int32_t)value, &result);
  else
    napi_create_int64(env, value, &result);
  return result;
}

void ipc_export(napi_env env, napi_value exports, const char *name, napi_callback fn) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, fn, NULL, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}

void ipc_export_int(napi_env env, napi_value exports, const char *name, int64_t value) {
  napi_set_named_property(env, exports, name, ipc_int(env, value));
}

// ---- time -------------------------------------------------------------------------------------

bool ipc_deadline(double timeout_ms, struct timespec *deadline) {
  if (!(timeout_ms >= 0)) return false;
  clock_gettime(CLOCK_MONOTONIC, deadline);
  if (timeout_ms > 1e12) timeout_ms = 1e12;
  int64_t nanoseconds = deadline->tv_nsec + (int64_t)(timeout_ms * 1e6) % 1000000000;
  deadline->tv_sec += (time_t)(timeout_ms / 1000) + nanoseconds / 1000000000;
  deadline->tv_nsec = nanoseconds % 1000000000;
  return true;
}

int ipc_remaining_ms(bool has_deadline, const struct timespec *deadline) {
  if (!has_deadline) return -1;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t ns = (int64_t)(deadline->tv_sec - now.tv_sec) * 1000000000 + (deadline->tv_nsec - now.tv_nsec);
  if (ns <= 0) return 0;
  int64_t ms = (ns + 999999) / 1000000;
  return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

// ---- the addon --------------------------------------------------------------------------------

NAPI_MODULE_INIT() {
  environment *self = calloc(1, sizeof *self);
  if (self == NULL) {
    napi_throw_error(env, "ENOMEM", "out of memory");
    return NULL;
  }
  if (napi_set_instance_data(env, self, NULL, NULL) != napi_ok ||
      napi_add_env_cleanup_hook(env, environment_end, self) != napi_ok) {
    free(self);
    napi_throw_error(env, NULL, "cannot attach to this environment");
    return NULL;
  }
  for (ipc_module *module = modules; module != NULL; module = module->next) module->init(env, exports);
  return exports;
}
