/** A ring in a SharedArrayBuffer between two threads of one process: the reference for the others. */
import { defineAdapter } from '../../core/adapter.js'
import { ringCapabilities } from './address.js'
import { AtomicsBell } from './bell.js'
import { DEFAULT_RING, segmentBytes, segmentOver, watchedOf } from './ring-buffer.js'
import { RingEndpoint } from './ring-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** Handed to the thread: there is no address to connect to. */
    'shared-memory/worker': Record<never, never>
  }
}

const context = { adapter: 'shared-memory/worker' } as const

function endpointOver(memory: SharedArrayBuffer, side: number): RingEndpoint {
  const segment = segmentOver(memory, DEFAULT_RING)
  return new RingEndpoint(segment, side, new AtomicsBell(segment.words, watchedOf(side)), () => {}, context)
}

export default defineAdapter({
  id: 'shared-memory/worker',
  scheme: 'shm+worker',
  summary: 'rings in a SharedArrayBuffer, between threads',
  spins: true,
  capabilities: {
    ...ringCapabilities,
    rendezvous: 'inherit',
    detectsPeerExit: false,
    // Many interfaces of the platform refuse views of a SharedArrayBuffer (TextDecoder, crypto, Blob).
    zeroCopy: false,
  },
  unavailable: () => undefined,
  parse: () => ({}),
  format: () => 'shm+worker:',
  offerThread() {
    const memory = new SharedArrayBuffer(segmentBytes(DEFAULT_RING))
    return { token: memory, endpoint: endpointOver(memory, 0) }
  },
  joinThread(token) {
    if (!(token instanceof SharedArrayBuffer) || token.byteLength !== segmentBytes(DEFAULT_RING))
      throw new TypeError('the token is no segment of this adapter')
    return endpointOver(token, 1)
  },
})
