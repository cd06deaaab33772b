/** The child's standard input and output, over Node's own streams. `stdio: 'pipe'` of node:child_process is a unix socketpair a stream, no pipe(7). */
import type { ChildProcess } from 'node:child_process'
import { defineAdapter } from '../../core/adapter.js'
import { NodeStreamEndpoint } from '../../core/node-stream-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /**
     * Inherited: there is no address to connect to. The child must not use its standard input and output
     * for anything else.
     *
     * What Node calls a pipe here is a socketpair: it holds more than a pipe, and PIPE_BUF does not apply.
     */
    'pipe/stdio': Record<never, never>
  }
}

const context = { adapter: 'pipe/stdio' } as const

/** The child's side. Destroying process.stdout leaves its descriptor open, so the end is always told by `end`. */
class OwnStdio extends NodeStreamEndpoint {
  constructor() {
    super(process.stdin, process.stdout, context)
  }

  override end(): void {
    this.writable?.end()
  }

  override close(): void {
    this.writable?.end()
    this.readable?.destroy()
  }
}

export default defineAdapter({
  id: 'pipe/stdio',
  scheme: 'pipe+stdio',
  summary: "Node's child stdio: called a pipe, in fact two socketpairs",
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
    sync: false,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: false,
    priority: false,
  },
  unavailable: () => undefined,
  parse: () => ({}),
  format: () => 'pipe+stdio:',
  offer: () => ({
    stdio: ['pipe', 'pipe'],
    descriptors: [],
    attach: (child: ChildProcess) => new NodeStreamEndpoint(child.stdout ?? undefined, child.stdin ?? undefined, context),
    abandon() {},
  }),
  join: () => new OwnStdio(),
})
