/** Two pipes, one a direction, inherited by the child. pipe(7) */
import { defineAdapter } from '../../core/adapter.js'
import { StreamEndpoint } from '../../core/descriptor-endpoint.js'
import { addonError } from '../../native/index.js'
import { joinPipes, offerPipes } from './inherited.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** Inherited: there is no address to connect to. */
    'pipe/anonymous': Record<never, never>
  }
}

const context = { adapter: 'pipe/anonymous' } as const

const stream = (readFd: number, writeFd: number) => new StreamEndpoint(readFd, writeFd, context)

export default defineAdapter({
  id: 'pipe/anonymous',
  scheme: 'pipe',
  summary: 'two pipes inherited by a child process',
  capabilities: {
    framing: 'stream',
    payload: { min: 0, max: 2 ** 32 - 1 },
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
  format: () => 'pipe:',
  offer: () => offerPipes(0, context, stream),
  join: (first) => joinPipes(first, context, stream),
})
