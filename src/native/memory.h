// Mappings, as the files that wait on them or make them see them.
#pragma once
#include "native.h"

typedef struct ipc_mapping ipc_mapping;

// Lays `object` (a descriptor, a segment's id) over [at, at + bytes), which is reserved: MAP_FIXED,
// SHM_REMAP. 0 or -errno.
typedef int (*ipc_place_fn)(void *at, size_t bytes, int object);

// A handle to a new mapping of `bytes`, or -errno.
int ipc_memory_open(napi_env env, size_t bytes, ipc_place_fn place, int object);

// The aligned 32-bit word at `offset` of a mapping; NULL where the handle or the offset is wrong.
uint32_t *ipc_memory_word(napi_env env, napi_value mapping, napi_value offset);

// While held, memoryUnmap answers -EBUSY.
ipc_mapping *ipc_memory_hold(napi_env env, napi_value mapping);
void ipc_memory_unhold(ipc_mapping *mapping);
uint32_t *ipc_memory_word_at(ipc_mapping *mapping, int64_t offset);
// The word that becomes 1 when the peer took memory away.
uint32_t *ipc_memory_fault_word(ipc_mapping *mapping);
