/** Two pipes, one a direction, inherited by the child. pipe(7) */
import { defineAdapter, type Endpoint, type InheritOffer } from '../../core/adapter.js'
import { StreamEndpoint } from '../../core/descriptor-endpoint.js'
import { check } from '../../core/errors.js'
import { addonError, native } from '../../native/index.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** Inherited: there is no address to connect to. */
    'pipe/anonymous': Record<never, never>
  }
}

const context = { adapter: 'pipe/anonymous' } as const

/** The four ends of two pipes; `flags` as for pipe2(2). Node hands the child's to it. */
export function offerPipes(flags: number, over: (readFd: number, writeFd: number) => Endpoint): InheritOffer {
  const toChild = new Int32Array(2)
  const toParent = new Int32Array(2)
  check(native.fdPipe(flags, toChild), 'pipe2', context)
  const second = native.fdPipe(flags, toParent)
  if (second < 0) {
    for (const fd of toChild) native.fdClose(fd)
    check(second, 'pipe2', context)
  }
  const [childRead, parentWrite] = toChild as unknown as [number, number]
  const [parentRead, childWrite] = toParent as unknown as [number, number]
  return {
    descriptors: [childRead, childWrite],
    attach() {
      native.fdClose(childRead)
      native.fdClose(childWrite)
      native.fdSetNonblock(parentRead, 1)
      native.fdSetNonblock(parentWrite, 1)
      return over(parentRead, parentWrite)
    },
    abandon() {
      for (const fd of [childRead, childWrite, parentRead, parentWrite]) native.fdClose(fd)
    },
  }
}

/** The child's side: the descriptors in the order offered. */
export function joinPipes(first: number, over: (readFd: number, writeFd: number) => Endpoint): Endpoint {
  const readFd = check(native.fdAdopt(first), 'fcntl', context, 'the inherited pipe is not there')
  return over(readFd, check(native.fdAdopt(first + 1), 'fcntl', context, 'the inherited pipe is not there'))
}

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
  offer: () => offerPipes(0, stream),
  join: (first) => joinPipes(first, stream),
})
