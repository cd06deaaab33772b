#define IPC_PLAYGROUND_IMPLEMENTATION
#include "ipc_playground.h"

int main(void) {
  char answer[64];
  ipc_ring *ring;
  int result = ipc_ring_connect(&ring, "hello");
  if (result == 0) result = ipc_ring_send(ring, "from c", 6, 5000);
  if (result == 0) result = ipc_ring_receive(ring, answer, sizeof answer, 5000);
  if (result < 0) fprintf(stderr, "%s\n", ipc_describe(result));
  else printf("%.*s\n", result, answer);
  ipc_ring_close(ring);
  return result < 0;
}
