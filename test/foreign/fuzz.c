// fuzz SEED ROUNDS: random bytes, in pieces of random lengths, through the decoder of ipc_playground.h, against a decoder
// that has all of them at once. Prints how many messages came.
#define IPC_PLAYGROUND_IMPLEMENTATION
#include "ipc_playground.h"

#define STREAM_BYTES 4096

static uint64_t state;

// xorshift64*, Vigna 2016
static uint32_t chance(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  state = strtoull(argv[1], NULL, 10) * 2 + 1;
  long messages = 0;
  for (long round = atol(argv[2]); round > 0; round--) {
    const size_t most = chance(300), total = chance(STREAM_BYTES + 1);
    // A copy of its own size, so that a sanitizer sees a read past it.
    unsigned char *bytes = (unsigned char *)malloc(total + 1);
    if (bytes == NULL) return 1;
    // Mostly short lengths, or nearly every stream would end at its first header.
    for (size_t i = 0; i < total; i++) bytes[i] = (unsigned char)(chance(8) == 0 ? chance(256) : 0);
    ipc_decoder decoder;
    ipc_decoder_init(&decoder, most);
    int result = 0;
    size_t expected = 0; // where the next frame begins
    for (size_t at = 0; at < total && result >= 0;) {
      const size_t piece = 1 + chance((uint32_t)(total - at));
      unsigned char *copy = (unsigned char *)malloc(piece);
      if (copy == NULL) return 1;
      memcpy(copy, bytes + at, piece);
      for (size_t taken = 0, used; taken < piece; taken += used) {
        result = ipc_decode(&decoder, copy + taken, piece - taken, &used);
        if (result < 0) break;
        if (result == 0) continue;
        messages++;
        if (decoder.length > most || memcmp(decoder.bytes == NULL ? bytes : decoder.bytes, bytes + expected + 4, decoder.length) != 0) abort();
        expected += 4 + decoder.length;
      }
      free(copy);
      at += piece;
    }
    if (result >= 0) {
      if ((ipc_decode_end(&decoder) == IPC_END) != (expected == total)) abort();
    } else {
      size_t announced = 0;
      for (int i = 0; i < 4; i++) announced |= (size_t)bytes[expected + (size_t)i] << (8 * i);
      if (result != IPC_PROTOCOL || announced <= most) abort();
    }
    ipc_decoder_free(&decoder);
    free(bytes);
  }
  printf("%ld\n", messages);
  return 0;
}
