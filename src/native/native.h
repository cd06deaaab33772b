// The addon's shared part, as the adapters' native.c files see it.
//
// Rules of the native layer:
//  - It holds system calls; policy is JavaScript's. A function answers with a number: >= 0, or -errno.
//    Only a wrong argument (a bug of the caller) throws a TypeError.
//  - Every descriptor it opens is recorded in the environment's table, so that it is closed when the
//    environment (a process or a Worker) ends in the middle of anything.
//  - Everything with memory or a thread is a handle (an integer with a type) in the same environment,
//    released in reverse order of creation.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- registration -----------------------------------------------------------------------------

typedef void (*ipc_init_fn)(napi_env env, napi_value exports);
typedef struct ipc_module {
  ipc_init_fn init;
  struct ipc_module *next;
} ipc_module;
void ipc_module_add(ipc_module *module);

// At file scope of a native.c: IPC_MODULE(message_queue, init)
#define IPC_MODULE(name, fn)                                                   \
  __attribute__((constructor)) static void ipc_register_##name(void) {         \
    static ipc_module module = {fn, NULL};                                     \
    ipc_module_add(&module);                                                   \
  }

void ipc_export(napi_env env, napi_value exports, const char *name, napi_callback fn);
void ipc_export_int(napi_env env, napi_value exports, const char *name, int64_t value);

// ---- arguments and results --------------------------------------------------------------------

// Fills argv[0..want); false (and a pending TypeError) if fewer were given.
bool ipc_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv);
bool ipc_get_int(napi_env env, napi_value value, int *out);
bool ipc_get_int64(napi_env env, napi_value value, int64_t *out);
bool ipc_get_double(napi_env env, napi_value value, double *out);
// A view's bytes (any TypedArray, DataView or ArrayBuffer). undefined and null give {NULL, 0}.
bool ipc_get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);
// A NUL-terminated copy; false with a pending TypeError where it does not fit or holds a NUL.
bool ipc_get_string(napi_env env, napi_value value, char *out, size_t size);
napi_value ipc_int(napi_env env, int64_t value);
static inline int64_t ipc_result(int64_t result) { return result < 0 ? -(int64_t)errno : result; }

// ---- the environment's resources --------------------------------------------------------------

// Records a descriptor as ours (close-on-exec must already be set); returns fd, or -errno after closing it.
int ipc_fd_own(napi_env env, int fd);
// Closes a descriptor and forgets it.
int ipc_fd_close(napi_env env, int fd);
// Gives a descriptor into other hands, open as it is: fd, or -EBADF where it was not ours.
int ipc_fd_forget(napi_env env, int fd);

// Closes the descriptors in an SCM_RIGHTS part of a message that nobody asked for: a peer may attach some to any.
struct cmsghdr;
void ipc_close_rights(const struct cmsghdr *part);

// A handle: an integer that stands for memory or a thread. `release` runs once, either through
// ipc_handle_release or at the environment's end, on the environment's own thread.
typedef void (*ipc_release_fn)(void *object);
int ipc_handle_add(napi_env env, const void *type, void *object, ipc_release_fn release);
// NULL where the handle is unknown, closed or of another type.
void *ipc_handle_get(napi_env env, napi_value value, const void *type);
// 0, or -EBADF.
int ipc_handle_release(napi_env env, napi_value value, const void *type);

// ---- waiting threads --------------------------------------------------------------------------

// A thread that makes one blocking call at a time for kernel objects that poll(2) cannot watch.
//
// Life of a wait, in call order:
//   waiterStart   [JS thread]      hands `wait` to the waiter's thread
//   wait(arg, …)  [waiter thread]  blocks; on EINTR it must return -ECANCELED if *cancelled, else go on
//   (eventfd)     [waiter thread]  becomes readable: the event loop or poll(2) sees it
//   waiterTake    [JS thread]      the result; the waiter is idle again
// waiterCancel kicks the thread with a reserved signal until it acknowledges; a result that was
// obtained in that moment is kept for waiterTake. waiterClose cancels, joins and frees.
typedef int64_t (*ipc_wait_fn)(void *arg, const atomic_bool *cancelled);
typedef struct ipc_waiter ipc_waiter;
// Owns `arg` from here (freed by `free_arg` even on failure). Returns a handle, or -errno.
int ipc_waiter_open(napi_env env, ipc_wait_fn wait, void *arg, ipc_release_fn free_arg);
// The `arg` of an idle or finished waiter; NULL while its thread is inside `wait`.
void *ipc_waiter_arg(napi_env env, napi_value handle);

// ---- time -------------------------------------------------------------------------------------

#include <time.h>
// The absolute CLOCK_MONOTONIC time `timeout_ms` from now; false for "no deadline" (negative).
bool ipc_deadline(double timeout_ms, struct timespec *deadline);
// Milliseconds left for poll(2): -1 without a deadline, 0 when it has passed.
int ipc_remaining_ms(bool has_deadline, const struct timespec *deadline);
