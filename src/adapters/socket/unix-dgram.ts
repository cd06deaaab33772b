/**
 * Unix domain datagram sockets. unix(7)
 *
 * A channel is a socketpair(2): the connector makes it and sends one end, attached to a datagram, to the
 * listener's path. So both ends are nameless, nobody else can send into the channel, and the kernel
 * bounds it by the send buffer instead of by net.unix.max_dgram_qlen. An end of a second pair goes along
 * for the answer: a byte, or its end where the listener refuses or dies.
 *
 * Nobody tells a receiver that the peer is gone; a sender is told, by ECONNREFUSED.
 */
import { constants } from 'node:os'
import { defineAdapter, type Endpoint } from '../../core/adapter.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { EPOLLIN, EPOLLOUT } from '../../native/loop.js'
import { acceptor, peerOf, ready } from './listener.js'
import { AF_UNIX, native, SOCK_DGRAM, SOCK_SEQPACKET } from './native.js'
import { AttestedSocket, attest, MAX_MESSAGE, UnixMessageSocket } from './unix-message-socket.js'
import { type BoundPath, bindPath, requireStale, temporaryPath, unixPathOf, unixUrl } from './unix-path.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** At most 107 bytes. A path that begins with '@' is an abstract name, which has no file. */
    'socket/unix-dgram': { path: string }
  }
}

const { EAGAIN } = constants.errno
const HELLO = new TextEncoder().encode('ipc-playground/1 hello')
const WELCOME = Uint8Array.of(1)

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
      const taken = new Int32Array(2)
      const take = (listening: number) => {
        const result = native.socketTake(listening, HELLO, SOCK_DGRAM, taken)
        if (result < 0) return result
        const [pair, answer] = taken as unknown as [number, number]
        return new AcceptedPair(pair, answer, errors)
      }
      const accept = (endpoint: Endpoint) => {
        if (endpoint instanceof AcceptedPair) endpoint.welcome()
        context.accept(endpoint)
      }
      return acceptor(fd, errors.address, { ...context, accept }, errors, take, bound.remove)
    })
  },

  async connect({ path }, context) {
    const errors = errorsAt(path)
    const opened = new Set<number>()
    const close = (fd: number) => {
      if (opened.delete(fd)) native.fdClose(fd)
    }
    const pair = (type: number): [number, number] => {
      const ends = new Int32Array(2)
      check(native.socketPair(type, ends), 'socketpair', errors)
      for (const fd of ends) opened.add(fd)
      return ends as unknown as [number, number]
    }
    let waiting: AttestedSocket | undefined
    let endpoint: UnixMessageSocket | undefined
    try {
      const hello = check(native.socketOpen(AF_UNIX, SOCK_DGRAM, 0), 'socket', errors)
      opened.add(hello)
      check(native.socketConnect(hello, AF_UNIX, path, 0), 'connect', errors)
      const [ours, theirs] = pair(SOCK_DGRAM)
      const [answer, answering] = pair(SOCK_SEQPACKET)
      attest(answer, errors)
      waiting = new AttestedSocket(answer, errors)
      opened.delete(answer)
      endpoint = new UnixMessageSocket(ours, errors)
      opened.delete(ours)
      await give(hello, Int32Array.of(theirs, answering), context.signal, errors)
      close(theirs)
      close(answering)
      await ready(answer, EPOLLIN, context.signal)
      if (waiting.tryReceiveInto(new Uint8Array(1)) !== 1)
        throw new IpcError('ERR_IPC_PEER_GONE', 'the listener refused, or ended before it answered', errors)
      endpoint.peer = waiting.lastFrom
      return endpoint
    } catch (error) {
      endpoint?.close()
      throw error
    } finally {
      waiting?.close()
      for (const fd of opened) close(fd)
    }
  },

  /**
   * Binding the path is what makes a receiver. `create` of `'exclusive'` and `'if-missing'` make it, the
   * latter in the place of one that a dead process left; `'never'` is for that place alone.
   */
  openReceiver({ path }, { create, mode, unlink }) {
    const errors = errorsAt(path)
    return withSocket(errors, async (fd) => {
      if (create === 'never') requireStale(path, SOCK_DGRAM, errors)
      attest(fd, errors)
      const bound = await bindPath(fd, path, mode, SOCK_DGRAM, errors, create !== 'exclusive')
      if (unlink === 'never' || create === 'never') bound.forget()
      return new BoundReceiver(fd, errors, bound)
    })
  },

  openSender({ path }) {
    const errors = errorsAt(path)
    return withSocket(errors, (fd) => {
      check(native.socketConnect(fd, AF_UNIX, path, 0), 'connect', errors)
      return new UnixMessageSocket(fd, errors)
    })
  },
})

/** Sends an end of each pair, when there is room in the listener's queue. */
async function give(hello: number, ends: Int32Array, signal: AbortSignal, errors: ErrorContext): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const sent = native.socketGive(hello, HELLO, ends)
    if (sent >= 0) return
    if (sent !== -EAGAIN) throw systemError(sent, 'sendmsg', errors)
    await ready(hello, EPOLLOUT, signal)
  }
}

/** The listener's end of a channel, with its end of the answer's pair until it answered. */
class AcceptedPair extends UnixMessageSocket {
  #answer: number

  constructor(fd: number, answer: number, errors: ErrorContext) {
    super(fd, errors, peerOf(fd)) // of a pair the kernel tells who made it
    this.#answer = answer
  }

  welcome(): void {
    native.socketSend(this.#answer, WELCOME)
    this.#hangUp()
  }

  override close(): void {
    this.#hangUp()
    super.close()
  }

  #hangUp(): void {
    if (this.#answer >= 0) native.fdClose(this.#answer)
    this.#answer = -1
  }
}

/** A receiver that owns its path. */
class BoundReceiver extends AttestedSocket {
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
