// The words of the command line, `key=value` each.
#pragma once
#include "floor.h"

#define MOST_SENDERS 64

// Fails with exit status 2 where a word is unknown or wrong.
floor_order order_of(int argc, char **argv);
// The variant that the order names; exit status 2 where there is none, or where it cannot do what is ordered.
const floor_variant *order_variant(const floor_order *order);
