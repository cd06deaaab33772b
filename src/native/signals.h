// Signals to the whole process, as the files that take them or have channels over them see them.
#pragma once
#include "native.h"
#include <signal.h>

// A set of signals: bit n - 1 is number n, as in the kernel.
typedef uint64_t ipc_signals;
static inline ipc_signals ipc_signal_bit(int number) { return (ipc_signals)1 << (number - 1); }

// ---- thread-masks.c ---------------------------------------------------------------------------

// Sent to a thread that shall change its mask. Programs must bear it at any time: by default it is ignored. signal(7)
#define IPC_REMASK SIGURG

// Blocks these, which are not blocked by it yet, in every thread of the process, also in those that begin later: 0 or
// -errno, then nothing has changed. One caller at a time.
int ipc_threads_block(ipc_signals numbers);
// Ends that. Who had blocked them by itself goes on to.
void ipc_threads_unblock(ipc_signals numbers);

// ---- signals.c --------------------------------------------------------------------------------

// Calls who handles this number in this process, if anybody does, as the kernel would have, on this thread.
void ipc_signal_handle(int number, siginfo_t *info);

// A number is for channels or for takers. 0, or -EBUSY while there are takers; to be ended as often as it was begun.
int ipc_signal_channel_begin(int number);
void ipc_signal_channel_end(int number);
