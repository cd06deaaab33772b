/** Two pipes in packet mode, inherited by the child: one write is one read. pipe(2), O_DIRECT */
import { constants } from 'node:fs'
import { defineAdapter } from '../../core/adapter.js'
import { MessageEndpoint } from '../../core/message-endpoint.js'
import { addonError } from '../../native/index.js'
import { joinPipes, offerPipes } from './inherited.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** Inherited: there is no address to connect to. A message has 1 to 4096 bytes (PIPE_BUF) and takes a page of the pipe's 16. */
    'pipe/packet': Record<never, never>
  }
}

const context = { adapter: 'pipe/packet' } as const
const PIPE_BUF = 4096

class PacketEndpoint extends MessageEndpoint {
  constructor(readFd: number, writeFd: number) {
    super(readFd, writeFd, context, { syscalls: { receive: 'read', send: 'write' } })
  }

  override end(): void {
    this.closeWrite()
  }
}

const packets = (readFd: number, writeFd: number) => new PacketEndpoint(readFd, writeFd)

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
