/** POSIX message queues: messages with priorities, on descriptors that poll(2) watches. mq_overview(7) */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { constants as system } from 'node:os'
import { defineAdapter, type Endpoint, type OpenContext } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { openOrMake } from '../../core/create.js'
import { DescriptorEndpoint, NO_WAIT, waits } from '../../core/descriptor-endpoint.js'
import { check, type ErrorContext, IpcError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { sweep, type Tracked, trackNew } from '../../core/janitor.js'
import { LongViews, loadLongs } from '../../core/long-views.js'
import { Streak } from '../../core/streak.js'
import { addonError } from '../../native/index.js'
import { native } from './native.js'
import {
  defaultMessageBytes,
  formatQueue,
  MAX_PRIORITY,
  openError,
  parseQueue,
  type QueueAddress,
  queueKind,
  queueName,
  sizesOf,
} from './posix-queue.js'

declare module '../../core/channel.js' {
  interface Adapters {
    'message-queue/posix': QueueAddress
  }
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants
const { EAGAIN, ENOENT } = system.errno
const id = 'message-queue/posix'
/** What a message's priority is multiplied with where its length is told. */
const PRIORITY_UNIT = 2 ** 32
/** Up to this length a loop over words is faster than a view, and leaves nothing to the collector. */
const SHORT_BYTES = 256
const NOTHING = -1

/** One queue for each direction; either descriptor may be -1. */
class QueueEndpoint extends DescriptorEndpoint {
  readonly payload: { readonly min: number; readonly max: number }
  readonly maxPriority = MAX_PRIORITY
  nextLength = 0
  readonly #longest: number
  readonly #released: () => void
  lastPriority = 0
  /** For targets that are smaller than the longest message, which mq_receive(3) refuses. */
  readonly #room: Uint8Array
  readonly #longs: BigInt64Array
  /** The length of a message in `#room` that did not fit the last target. */
  #stashed = NOTHING
  readonly #targets = new LongViews()
  readonly #streak = new Streak((target) => native.mqReceive(this.readFd, target, NO_WAIT), -EAGAIN)

  /** `released` runs once, before the descriptors are closed. */
  constructor(readFd: number, writeFd: number, errors: ErrorContext, released: () => void) {
    super(readFd, writeFd, errors)
    this.#released = released
    this.#longest = readFd < 0 ? 0 : longestMessage(readFd, errors)
    this.#room = new Uint8Array(this.#longest)
    this.#longs = new BigInt64Array(this.#room.buffer, 0, this.#longest >> 3)
    this.payload = { min: 0, max: writeFd < 0 ? this.#longest : longestMessage(writeFd, errors) }
  }

  get buffered(): boolean {
    return this.#stashed >= 0
  }

  trySend(data: Uint8Array, priority: number): number {
    return this.#send(data, priority, NO_WAIT)
  }

  sendSync(data: Uint8Array, waitMs: number): number {
    return this.#send(data, 0, waitMs)
  }

  #send(data: Uint8Array, priority: number, waitMs: number): number {
    if (this.writeFd < 0) return Result.CLOSED
    // A try first: the room is often just being made, and a thread that sleeps for it costs both sides a wake-up.
    let n = native.mqSend(this.writeFd, data, priority, NO_WAIT)
    if (n === -EAGAIN && waitMs !== NO_WAIT) n = native.mqSend(this.writeFd, data, priority, waits(waitMs))
    return n < 0 ? this.result(n, 'mq_send') : data.length
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.receiveSync(target, NO_WAIT)
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    if (this.readFd < 0) return Result.CLOSED
    let length = this.#stashed
    if (length < 0) {
      if (target.length >= this.#longest) return this.#receive(target, waitMs)
      length = this.#receive(this.#room, waitMs)
      if (length < 0) return length
    }
    if (length > target.length) {
      this.#stashed = length
      this.nextLength = length
      return Result.TARGET_SIZE
    }
    this.#stashed = NOTHING
    this.#copyTo(target, length)
    return length
  }

  /** A short message without a view of it. */
  #copyTo(target: Uint8Array, length: number): void {
    const room = this.#room
    const longs = this.#targets.of(target)
    if (length > SHORT_BYTES || longs.length === 0) {
      target.set(room.subarray(0, length))
      return
    }
    loadLongs(this.#longs, 0, longs, length >> 3)
    for (let i = length & ~7; i < length; i++) target[i] = room[i] as number
  }

  #receive(target: Uint8Array, waitMs: number): number {
    let n = waitMs === NO_WAIT ? -EAGAIN : this.#streak.try(target)
    if (n === -EAGAIN) n = native.mqReceive(this.readFd, target, waits(waitMs))
    if (n < 0) return this.result(n, 'mq_receive')
    this.lastPriority = n < PRIORITY_UNIT ? 0 : Math.floor(n / PRIORITY_UNIT)
    return n < PRIORITY_UNIT ? n : n % PRIORITY_UNIT
  }

  /** A queue has no end: whoever reads it waits for the next writer. */
  end(): void {}

  override close(): void {
    this.#released()
    super.close()
  }
}

const limits = new Int32Array(2)

function longestMessage(fd: number, errors: ErrorContext): number {
  check(native.mqLimits(fd, limits), 'mq_getattr', errors)
  return limits[1] as number
}

/** A new queue, made exclusively. */
function makeQueue(name: string, flags: number, mode: number, address: QueueAddress): number {
  const { maxMessages, maxMessageBytes } = sizesOf(address)
  return native.mqOpen(name, flags | O_CREAT | O_EXCL, mode, maxMessages, maxMessageBytes)
}

const openQueue = (name: string, flags: number): number => native.mqOpen(name, flags, 0, 0, 0)

/** One queue raw. */
async function open(flags: number, address: QueueAddress, context: OpenContext): Promise<Endpoint> {
  const name = queueName(address.name)
  const errors = { adapter: id, address: formatQueue('mq', address) } as const
  const { result: fd, tracked } = openOrMake(
    context,
    () => openQueue(name, flags),
    () => trackNew(queueKind, name, () => makeQueue(name, flags, context.mode, address)),
  )
  if (fd < 0) throw openError(fd, address, errors)
  return new QueueEndpoint(flags === O_RDONLY ? fd : -1, flags === O_WRONLY ? fd : -1, errors, () => removeName(fd, tracked))
}

/** Removes a name that is still this queue's, and not a successor's. */
function removeName(fd: number, tracked: Tracked | undefined): void {
  if (tracked === undefined) return
  native.mqRemove(fd, tracked.name)
  tracked.forget()
}

export default defineAdapter({
  id,
  scheme: 'mq',
  summary: 'POSIX message queues, with priorities',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: defaultMessageBytes() },
    native: 'simplex',
    order: 'priority',
    whenFull: 'block',
    end: 'none',
    halfClose: false,
    rendezvous: 'name',
    peers: 'one',
    lifetime: 'kernel',
    asyncWait: 'poll',
    detectsPeerExit: false,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: true,
    crossesHosts: false,
    priority: true,
  },
  unavailable: () => addonError,
  parse: parseQueue,
  format: (address) => formatQueue('mq', address),
  temporary: () => ({ name: `ipc-playground-${randomBytes(8).toString('hex')}` }),

  async listen(address, context) {
    const url = formatQueue('mq', address)
    const errors = { adapter: id, address: url } as const
    sweep() // what a killed listener left does not count as taken
    const made: { fd: number; tracked: Tracked }[] = []
    const make = (suffix: string, flags: number): number => {
      const name = queueName(address.name, suffix)
      const { result: fd, tracked } = trackNew(queueKind, name, () => makeQueue(name, flags, context.mode, address))
      if (tracked === undefined) throw openError(fd, address, errors)
      made.push({ fd, tracked })
      return fd
    }
    const forgetNames = () => {
      for (const { tracked } of made) tracked.forget()
    }
    const removeNames = () => {
      for (const { fd, tracked } of made) removeName(fd, tracked)
    }
    let endpoint: QueueEndpoint
    try {
      // NAME.0 is the gate: who finds it finds the other.
      const readFd = make('.1', O_RDONLY)
      endpoint = new QueueEndpoint(readFd, make('.0', O_WRONLY), errors, () => {})
    } catch (error) {
      removeNames()
      for (const { fd } of made) native.fdClose(fd)
      throw error
    }
    return awaitHello(endpoint, url, context, errors, forgetNames, removeNames)
  },

  /** Whoever removes the name NAME.0 is the peer; from then on the queues are nameless, and end with their last user. */
  async connect(address, { signal }) {
    signal.throwIfAborted()
    sweep() // a killed listener's queues would take a hello as well
    const errors = { adapter: id, address: formatQueue('mq', address) } as const
    const [toConnector, toListener] = [queueName(address.name, '.0'), queueName(address.name, '.1')]
    const readFd = check(openQueue(toConnector, O_RDONLY), 'mq_open', errors)
    const writeFd = openQueue(toListener, O_WRONLY)
    const claimed = writeFd < 0 ? writeFd : native.mqRemove(readFd, toConnector)
    if (claimed < 0) {
      native.fdClose(readFd)
      if (writeFd < 0) check(writeFd, 'mq_open', errors)
      native.fdClose(writeFd)
      if (claimed === -ENOENT) throw new IpcError('ERR_IPC_BUSY', 'another connector was faster; the listener takes one', errors)
      check(claimed, 'mq_unlink', errors)
    }
    native.mqRemove(writeFd, toListener)
    return sayHello(new QueueEndpoint(readFd, writeFd, errors, () => {}), errors)
  },

  openReceiver: (address, context) => open(O_RDONLY, address, context),
  openSender: (address, context) => open(O_WRONLY, address, context),
})
