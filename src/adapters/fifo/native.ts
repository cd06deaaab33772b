/** FIFOs over our addon. fifo(7), mkfifo(3) */
import { defineAdapter } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { StreamEndpoint } from '../../core/descriptor-endpoint.js'
import type { ErrorContext } from '../../core/errors.js'
import { addonError, native } from '../../native/index.js'
import { EPOLLHUP, EPOLLIN } from '../../native/loop.js'
import { fifoCapabilities, fifoMethods } from './rendezvous.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /**
     * `listen` and `connect` use two FIFOs, `path.0` (from the listener) and `path.1`; `openReceiver` and
     * `openSender` one at exactly `path`. A symbolic link is not followed.
     *
     * `openSender` rejects with ERR_IPC_NOT_FOUND where nobody reads, unless it has just made the FIFO:
     * then it waits for the first reader.
     */
    'fifo/native': { path: string }
  }
}

class FifoEndpoint extends StreamEndpoint {
  readonly #released: () => void

  constructor(readFd: number, writeFd: number, context: ErrorContext, released: () => void = () => {}) {
    super(readFd, writeFd, context)
    this.#released = released
  }

  override close(): void {
    super.close()
    this.#released()
  }
}

/** Reads 0 both before the first writer and after the last; only then poll(2) reports a hang-up. */
class RawReceiver extends FifoEndpoint {
  override receiveSync(target: Uint8Array): number {
    return this.tryReceiveInto(target)
  }

  override tryReceiveInto(target: Uint8Array): number {
    if (target.length === 0) return 0
    for (;;) {
      const n = native.fdRead(this.readFd, target)
      if (n !== 0) return this.result(n, 'read')
      const state = native.fdPoll(this.readFd, EPOLLIN, 0)
      // A writer that came, wrote and went in between is still to be read.
      if (state < 0 || (state & EPOLLIN) === 0) return state & EPOLLHUP ? Result.END : Result.WOULD_BLOCK
    }
  }
}

export default defineAdapter({
  id: 'fifo/native',
  scheme: 'fifo',
  summary: 'a pipe with a name in the file system',
  capabilities: { ...fifoCapabilities, sync: true },
  unavailable: () => addonError,
  ...fifoMethods('fifo/native', 'fifo', {
    mkfifo: (path, mode) => native.fdMkfifo(path, mode),
    open: (path, flags) => native.fdOpen(path, flags, 0),
    close: (fd) => native.fdClose(fd),
    endpoint: (readFd, writeFd, context, released) => new FifoEndpoint(readFd, writeFd, context, released),
    receiver: (readFd, context, released) => new RawReceiver(readFd, -1, context, released),
  }),
})
