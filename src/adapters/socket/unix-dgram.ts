/**
 * Unix domain datagram sockets. unix(7)
 *
 * A channel is a socketpair(2): the connector makes it and sends one end, attached to a datagram, to the
 * listener's path. So both ends are nameless, nobody else can send into the channel, and the kernel
 * bounds it by the send buffer instead of by net.unix.max_dgram_qlen.
 *
 * Nobody tells a receiver that the peer is gone; a sender is told, by ECONNREFUSED.
 */
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { check, type ErrorContext, systemError } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { EPOLLOUT } from '../../native/loop.js'
import { acceptor, peerOf, ready } from './listener.js'
import { AF_UNIX, native, SOCK_DGRAM } from './native.js'
import { MAX_MESSAGE, UnixDatagramPair, UnixDatagramSocket } from './unix-message-socket.js'
import { type BoundPath, bindPath, temporaryPath, unixPathOf, unixUrl } from './unix-path.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** At most 107 bytes. A path that begins with '@' is an abstract name, which has no file. */
    'socket/unix-dgram': { path: string }
  }
}

const { EAGAIN } = constants.errno
const HELLO = new TextEncoder().encode('ipc-playground/1 hello')

const errorsAt = (path: string) => ({ adapter: 'socket/unix-dgram', address: unixUrl('unix+dgram', path) }) as const

/** An opened socket, closed again where what `make` does with it fails. */
async function withSocket<T>(errors: ErrorContext, make: (fd: number) => T | Promise<T>): Promise<T> {
  const fd = check(native.socketOpen(AF_UNIX, SOCK_DGRAM, 0), 'socket', errors)
  try {
    return await make(fd)
  } catch (error) {
    native.fdClose(fd)
    throw error
  }
}

export default defineAdapter({
  id: 'socket/unix-dgram',
  scheme: 'unix+dgram',
  summary: 'datagram socket at a path',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: MAX_MESSAGE },
    native: 'duplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'none',
    halfClose: false,
    rendezvous: 'name',
    peers: 'many',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: false,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: true,
    crossesHosts: false,
    priority: false,
  },
  unavailable: () => addonError,
  parse: (url) => ({ path: unixPathOf(url) }),
  format: ({ path }) => unixUrl('unix+dgram', path),
  temporary: (folder) => ({ path: temporaryPath(folder) }),

  listen({ path }, context) {
    const errors = errorsAt(path)
    return withSocket(errors, async (fd) => {
      const bound = await bindPath(fd, path, context.mode, SOCK_DGRAM, errors)
      const take = (listening: number) => {
        const pair = native.socketTake(listening, HELLO, SOCK_DGRAM)
        return pair < 0 ? pair : new UnixDatagramPair(pair, errors, peerOf(pair))
      }
      return acceptor(fd, errors.address, context, errors, take, bound.remove)
    })
  },

  async connect({ path }, context) {
    const errors = errorsAt(path)
    const hello = check(native.socketOpen(AF_UNIX, SOCK_DGRAM, 0), 'socket', errors)
    try {
      check(native.socketConnect(hello, AF_UNIX, path, 0), 'connect', errors)
      const ends = new Int32Array(2)
      check(native.socketPair(SOCK_DGRAM, ends), 'socketpair', errors)
      const [ours, theirs] = ends as unknown as [number, number]
      const endpoint = new UnixDatagramPair(ours, errors)
      try {
        await give(hello, theirs, context.signal, errors)
        return endpoint
      } catch (error) {
        endpoint.close()
        throw error
      } finally {
        native.fdClose(theirs)
      }
    } finally {
      native.fdClose(hello)
    }
  },

  /**
   * Binding the path is what makes a receiver, so `create` can only say what happens to a stale one:
   * `'exclusive'` refuses it as well, the others replace it.
   */
  openReceiver({ path }, context) {
    const errors = errorsAt(path)
    return withSocket(errors, async (fd) => {
      const bound = await bindPath(fd, path, context.mode, SOCK_DGRAM, errors, context.create !== 'exclusive')
      if (context.unlink === 'never') bound.forget()
      return new BoundReceiver(fd, errors, bound)
    })
  },

  openSender({ path }) {
    const errors = errorsAt(path)
    return withSocket(errors, (fd) => {
      check(native.socketConnect(fd, AF_UNIX, path, 0), 'connect', errors)
      return new UnixDatagramSocket(fd, errors)
    })
  },
})

/** Sends an end of the pair, when there is room in the listener's queue. */
async function give(hello: number, end: number, signal: AbortSignal, errors: ErrorContext): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const sent = native.socketGive(hello, HELLO, end)
    if (sent >= 0) return
    if (sent !== -EAGAIN) throw systemError(sent, 'sendmsg', errors)
    await ready(hello, EPOLLOUT, signal)
  }
}

/** A receiver that owns its path. */
class BoundReceiver extends UnixDatagramSocket {
  readonly #bound: BoundPath

  constructor(fd: number, errors: ErrorContext, bound: BoundPath) {
    super(fd, errors)
    this.#bound = bound
  }

  override close(): void {
    super.close()
    this.#bound.remove()
  }
}
