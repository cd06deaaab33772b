/**
 * A sealed memfd with two rings, and an eventfd a side, passed over a unix socket: memfd_create(2),
 * eventfd(2), SCM_RIGHTS in unix(7). Nothing of it has a name in a file system, so nothing can be left
 * behind. The socket has an abstract name, and stays as the lifeline. Abstract names have no owner and no
 * mode, so each side asks the kernel who the other is, and refuses strangers.
 */
import { randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { defineAdapter, type Endpoint } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { check, type ErrorContext, fromNodeError, IpcError } from '../../core/errors.js'
import { DescriptorWatcher, EPOLLIN } from '../../native/loop.js'
import { Mapping, memoryUnavailable, native } from '../../native/memory.js'
import { connectSocket, peerOf } from '../socket/listener.js'
import { AF_UNIX, SOCK_SEQPACKET, native as socket } from '../socket/native.js'
import { type RingSize, ringCapabilities, ringOf, sizeOf, sizeQuery } from './address.js'
import { EventfdBell } from './bell.js'
import { MAGIC, segmentBytes, segmentOver, VERSION, watchedOf } from './ring-buffer.js'
import { RingEndpoint } from './ring-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /**
     * A name in this network namespace; at most 64 bytes. A listener of another user is refused, unless it is
     * root: it could offer memory that it reads along.
     */
    'shared-memory/ring': { name?: string } & RingSize
  }
}

const MAX_NAME = 64
const { EAGAIN } = constants.errno
const RETRY_MS = 20
/**
 * The listener sends magic, version and the ring's bytes, with three descriptors, to whoever connects. A connector
 * that takes it answers with one byte; the listener confirms the first of these with one byte and closes the
 * others. Whom the listener does not allow gets a ring of 0 bytes, and no descriptors.
 */
const OFFER_BYTES = 12
const YES = new Uint8Array([1])

const socketName = (name: string): string => `@ipc-playground/${checkName(name, MAX_NAME)}`
const offerOf = (ring: number): Uint8Array => new Uint8Array(new Uint32Array([MAGIC, VERSION, ring]).buffer)
const url = (name: string, size: RingSize): string => `shm:///${encodeURIComponent(checkName(name, MAX_NAME))}${sizeQuery(size)}`
const requireName = (name: string | undefined): string => {
  if (name === undefined) throw new TypeError(`a ring to listen at or connect to has a name, as in 'shm:///jobs'`)
  return name
}

/** The segment and this side's bell, from descriptors that it owns. The lifeline is the socket. */
function endpointOver(
  side: number,
  ring: number,
  descriptors: { memory: number; mine: number; peers: number; lifeline: number },
  errors: ErrorContext,
): RingEndpoint {
  const { memory, mine, peers, lifeline } = descriptors
  try {
    const mapping = Mapping.ofFile(memory, segmentBytes(ring), errors)
    const segment = segmentOver(mapping.all(), ring, mapping.faultOffset, mapping.read)
    const bell = new EventfdBell(mapping, watchedOf(side), mine, peers, lifeline, errors)
    const endpoint = new RingEndpoint(segment, side, bell, () => mapping.close(), errors)
    endpoint.peer = peerOf(lifeline)
    return endpoint
  } catch (error) {
    for (const fd of [mine, peers, lifeline]) native.fdClose(fd)
    throw error
  } finally {
    native.fdClose(memory)
  }
}

/** A fresh segment for one connection, offered to it; the descriptors are ours. */
function offer(connection: number, ring: number, errors: ErrorContext): { memory: number; mine: number; peers: number } {
  const opened: number[] = []
  try {
    for (const open of [() => native.memoryCreateSealed('ipc-ring', segmentBytes(ring)), native.eventfdOpen, native.eventfdOpen])
      opened.push(check(open(), opened.length === 0 ? 'memfd_create' : 'eventfd', errors))
    const [memory, mine, peers] = opened as [number, number, number]
    check(native.fdSendDescriptors(connection, offerOf(ring), new Int32Array([memory, peers, mine])), 'sendmsg', errors)
    return { memory, mine, peers }
  } catch (error) {
    for (const fd of opened) native.fdClose(fd)
    throw error
  }
}

/** What was offered, checked. */
interface Offered {
  readonly ring: number
  readonly descriptors: { memory: number; mine: number; peers: number; lifeline: number }
}

const notChosen = (errors: ErrorContext) =>
  new IpcError('ERR_IPC_BUSY', 'the listener took another peer, refused this one, or ended', errors)

/** Takes what the listener offers: descriptors of exactly these kinds, memory that cannot vanish. */
function take(connection: number, errors: ErrorContext): Offered {
  const words = new Uint32Array(OFFER_BYTES / 4)
  const fds = new Int32Array(3)
  const received = native.fdReceiveDescriptors(connection, new Uint8Array(words.buffer), fds)
  check(received, 'recvmsg', errors)
  const [memory, mine, peers] = fds as unknown as [number, number, number]
  const refuse = (code: 'ERR_IPC_PERMISSION' | 'ERR_IPC_PROTOCOL' | 'ERR_IPC_VERSION', why: string): never => {
    for (const fd of fds) if (fd >= 0) native.fdClose(fd)
    throw new IpcError(code, why, errors)
  }
  if (received === 0) throw notChosen(errors)
  if (received !== OFFER_BYTES || words[0] !== MAGIC) refuse('ERR_IPC_PROTOCOL', 'what listens there offers no ring')
  if (words[1] !== VERSION) refuse('ERR_IPC_VERSION', `the listener speaks version ${words[1]} of the ring, this is ${VERSION}`)
  const ring = words[2] as number
  if (ring === 0) refuse('ERR_IPC_PERMISSION', 'the listener does not allow this user')
  try {
    if (ringOf({ bytes: ring }) !== ring) throw new RangeError('no power of two')
  } catch {
    refuse('ERR_IPC_PROTOCOL', `the listener offers a ring of ${ring} bytes`)
  }
  for (const fd of [mine, peers])
    if (fd < 0 || readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventfd]')
      refuse('ERR_IPC_PROTOCOL', 'the listener offers no eventfd')
  const sealed = native.memorySealedBytes(memory)
  if (sealed !== segmentBytes(ring))
    refuse('ERR_IPC_PROTOCOL', `the listener offers memory that is not sealed, of another kind or of another size (${sealed})`)
  // They are shared, flags and all: one that blocks would block the event loop.
  for (const fd of [mine, peers]) check(native.fdSetNonblock(fd, 1), 'fcntl', errors)
  return { ring, descriptors: { memory, mine, peers, lifeline: connection } }
}

/** The listener's side of one connection until it has answered. */
class Handshake {
  readonly #connection: number
  readonly #parts: { memory: number; mine: number; peers: number }
  readonly #watcher: DescriptorWatcher

  constructor(connection: number, ring: number, errors: ErrorContext, over: (endpoint: Endpoint | undefined) => void) {
    this.#connection = connection
    this.#parts = offer(connection, ring, errors)
    const answer = new Uint8Array(1)
    this.#watcher = new DescriptorWatcher(connection, () => {
      const n = native.fdRead(connection, answer)
      if (n === -EAGAIN) return
      this.#watcher.close()
      let endpoint: Endpoint | undefined
      if (n === 1 && native.fdWrite(connection, YES) === 1)
        try {
          endpoint = endpointOver(0, ring, { ...this.#parts, lifeline: connection }, errors)
        } catch {
          // no memory to map it: its descriptors are closed, and the connector sees this side leave
        }
      if (endpoint === undefined) this.close()
      over(endpoint)
    })
    this.#watcher.want(EPOLLIN)
  }

  close(): void {
    this.#watcher.close()
    for (const fd of [this.#connection, ...Object.values(this.#parts)]) native.fdClose(fd)
  }
}

export default defineAdapter({
  id: 'shared-memory/ring',
  scheme: 'shm',
  summary: 'rings in a sealed memfd, a futex or an eventfd to wake',
  spins: true,
  capabilities: { ...ringCapabilities },
  unavailable: memoryUnavailable,
  parse: (url) => ({ name: checkName(pathOf(url), MAX_NAME), ...sizeOf(url) }),
  format: ({ name, ...size }) => url(requireName(name), size),
  temporary: () => ({ name: randomBytes(12).toString('hex') }),

  async listen({ name, ...size }, context) {
    const given = requireName(name)
    const errors = { adapter: 'shared-memory/ring', address: url(given, size) } as const
    const ring = ringOf(size)
    const fd = check(socket.socketOpen(AF_UNIX, SOCK_SEQPACKET, 0), 'socket', errors)
    try {
      check(socket.socketBind(fd, AF_UNIX, socketName(given), 0), 'bind', errors)
      check(socket.socketListen(fd, context.backlog), 'listen', errors)
    } catch (error) {
      native.fdClose(fd)
      throw error
    }
    const pending = new Set<Handshake>()
    let over = false
    const admit = (connection: number) => {
      const handshake: Handshake = new Handshake(connection, ring, errors, (endpoint) => {
        pending.delete(handshake)
        if (endpoint === undefined) return
        context.accept(endpoint)
        context.done()
      })
      pending.add(handshake)
    }
    /** A connection that no ring was offered to yet. */
    let accepted = -1
    let retry: NodeJS.Timeout | undefined
    const serve = () => {
      while (!over) {
        try {
          if (accepted < 0) accepted = socket.socketAccept(fd)
          if (accepted === -EAGAIN) return
          check(accepted, 'accept4', errors)
          if (context.allow(peerOf(accepted))) admit(accepted)
          else {
            native.fdWrite(accepted, offerOf(0))
            native.fdClose(accepted)
          }
        } catch (error) {
          const failure = fromNodeError(error, errors)
          if (failure.code === 'ERR_IPC_LIMIT') {
            // The connector waits until there are descriptors and memory again.
            watcher.want(0)
            retry = setTimeout(() => {
              watcher.want(EPOLLIN)
              serve()
            }, RETRY_MS)
            return
          }
          native.fdClose(accepted)
          if (failure.code !== 'ERR_IPC_PEER_GONE') context.done(failure) // else this one connector gave up
        }
        accepted = -1
      }
    }
    const watcher = new DescriptorWatcher(fd, serve)
    try {
      check(watcher.want(EPOLLIN), 'epoll_ctl', errors)
    } catch (error) {
      watcher.close()
      native.fdClose(fd)
      throw error
    }
    return {
      address: errors.address,
      // One peer: there is nothing to hold back.
      pause() {},
      resume() {},
      close() {
        if (over) return
        over = true
        clearTimeout(retry)
        watcher.close()
        for (const open of [fd, accepted]) native.fdClose(open)
        for (const handshake of pending) handshake.close()
      },
    }
  },

  async connect({ name, ...size }, context) {
    const given = requireName(name)
    const errors = { adapter: 'shared-memory/ring', address: url(given, size) } as const
    const fd = check(socket.socketOpen(AF_UNIX, SOCK_SEQPACKET, 0), 'socket', errors)
    await connectSocket(fd, AF_UNIX, socketName(given), 0, context, errors)
    try {
      const listener = peerOf(fd)
      if (listener === undefined || (listener.uid !== process.geteuid?.() && listener.uid !== 0))
        throw new IpcError('ERR_IPC_PERMISSION', `another user (${listener?.uid}) listens at this name`, errors)
    } catch (error) {
      native.fdClose(fd)
      throw error
    }
    let offered: Offered | undefined
    try {
      await readable(fd, context.signal)
      offered = take(fd, errors)
      check(native.fdWrite(fd, YES), 'write', errors)
      await readable(fd, context.signal)
      if (check(native.fdRead(fd, new Uint8Array(1)), 'read', errors) === 0) throw notChosen(errors)
    } catch (error) {
      for (const opened of Object.values(offered?.descriptors ?? { fd })) native.fdClose(opened)
      throw error instanceof IpcError && error.code === 'ERR_IPC_PEER_GONE' ? notChosen(errors) : error
    }
    return endpointOver(1, offered.ring, offered.descriptors, errors)
  },
})

function readable(fd: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', aborted)
      watcher.close()
      settle()
    }
    const aborted = () => finish(() => reject(signal.reason))
    const watcher = new DescriptorWatcher(fd, () => finish(resolve))
    signal.addEventListener('abort', aborted, { once: true })
    watcher.want(EPOLLIN)
  })
}
