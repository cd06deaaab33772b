// For an event loop, what no epoll can watch: a thread blocks in the mechanism's own call, and hands each message
// over with an eventfd that rings when the loop sleeps.
#pragma once
#include "floor.h"

typedef struct helper helper;

// Blocks until there is a message; its length, copied to `to`.
typedef ssize_t (*helper_take)(const floor_end *end, void *to);

// Sets end->in.
helper *helper_start(floor_end *end, helper_take take, size_t room);
// Ends the thread wherever it waits.
void helper_stop(helper *self);
// As floor_variant.receive.
ssize_t helper_receive(helper *self, const floor_end *end, const uint8_t **data, bool wait);
