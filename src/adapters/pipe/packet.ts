/** Two pipes in packet mode, inherited by the child: one write is one read. pipe(2), O_DIRECT */
import { constants } from 'node:fs'
import { defineAdapter } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { DescriptorEndpoint } from '../../core/descriptor-endpoint.js'
import { addonError, native } from '../../native/index.js'
import { joinPipes, offerPipes } from './inherited.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** Inherited: there is no address to connect to. A message has 1 to 4096 bytes (PIPE_BUF) and takes a page of the pipe's 16. */
    'pipe/packet': Record<never, never>
  }
}

const context = { adapter: 'pipe/packet' } as const
const PIPE_BUF = 4096

class PacketEndpoint extends DescriptorEndpoint {
  nextLength = 0
  // A read shorter than the packet loses the rest, so a small target is served from here.
  readonly #packet = new Uint8Array(PIPE_BUF)
  #kept = 0

  get buffered(): boolean {
    return this.#kept > 0
  }

  trySend(data: Uint8Array): number {
    if (this.writeFd < 0) return Result.CLOSED
    return this.result(native.fdWrite(this.writeFd, data), 'write')
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.#kept === 0) {
      const direct = target.length >= PIPE_BUF
      const n = native.fdRead(this.readFd, direct ? target : this.#packet)
      if (n === 0) return Result.END
      if (n < 0 || direct) return this.result(n, 'read')
      this.#kept = n
    }
    const length = this.#kept
    if (length > target.length) {
      this.nextLength = length
      return Result.TARGET_SIZE
    }
    target.set(this.#packet.subarray(0, length))
    this.#kept = 0
    return length
  }

  end(): void {
    this.closeWrite()
  }
}

const packets = (readFd: number, writeFd: number) => new PacketEndpoint(readFd, writeFd, context)

export default defineAdapter({
  id: 'pipe/packet',
  scheme: 'pipe+packet',
  summary: 'two inherited pipes that keep messages of up to 4096 bytes apart',
  capabilities: {
    framing: 'message',
    payload: { min: 1, max: PIPE_BUF },
    native: 'simplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'kernel',
    halfClose: true,
    rendezvous: 'inherit',
    peers: 'one',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: false,
    priority: false,
  },
  unavailable: () => addonError,
  parse: () => ({}),
  format: () => 'pipe+packet:',
  offer: () => offerPipes(constants.O_DIRECT, context, packets),
  join: (first) => joinPipes(first, context, packets),
})
