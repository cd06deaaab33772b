/**
 * POSIX message queues through the npm package `posix-mq`, an optional peer dependency.
 *
 * The package opens, makes, sends, receives and polls. What it cannot do is done beside it by this
 * library's addon: the mode past the umask, the queue's identity, and removing a name only while it is
 * this queue's.
 */
import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { constants as files } from 'node:fs'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { defineAdapter, type Endpoint, type OpenContext, READABLE, WRITABLE } from '../../core/adapter.js'
import { type Credentials, Result } from '../../core/channel.js'
import { openOrMake } from '../../core/create.js'
import { check, type ErrorContext, fromNodeError, IpcError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { sweep, type Tracked, trackNew } from '../../core/janitor.js'
import { errnoOfText } from '../../core/strerror.js'
import { addonError } from '../../native/index.js'
import { require } from '../../native/require.js'
import { native } from './native.js'
import { defaultMessageBytes, formatQueue, openError, parseQueue, type QueueAddress, queueKind, queueName, sizesOf } from './posix-queue.js'

declare module '../../core/channel.js' {
  interface Adapters {
    'message-queue/posix-mq': QueueAddress
  }
}

/** The package's class, as far as it is used here. */
interface PosixMQ extends EventEmitter {
  readonly msgsize: number
  open(options: {
    name: string
    create?: boolean
    exclusive?: boolean
    mode?: number
    maxmsgs?: number
    msgsize?: number
    flags?: number
  }): void
  close(): void
  /** False where the queue is full. */
  push(data: Uint8Array, priority?: number): boolean
  /** False where the queue is empty. */
  shift(target: Uint8Array, withPriority: true): [length: number, priority: number] | false
}

const id = 'message-queue/posix-mq'
const { ENOENT } = constants.errno
/** The package takes 0 to 31, which is what POSIX guarantees. */
const MAX_PRIORITY = 31
/**
 * The package forgets to watch for messages while a queue is full, and for room while it is empty, and
 * sees neither until it has seen the other. While somebody waits, the queue is looked at this often. (While a
 * message stays unread, on the other hand, it polls in a circle, and takes the processor from the peer.)
 */
const LOOK_MS = 20

let loaded: { PosixMQ: new () => PosixMQ } | { reason: string } | undefined

function load(): { PosixMQ: new () => PosixMQ } | { reason: string } {
  if (addonError !== undefined) return { reason: addonError }
  // It polls in the main thread's event loop, whichever thread opened the queue.
  if (!isMainThread) return { reason: 'the package posix-mq works in the main thread alone' }
  try {
    return { PosixMQ: require('posix-mq') as new () => PosixMQ }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    return { reason: `the package posix-mq does not load (${reason}); install posix-mq@1.1.3 with its nan overridden by 2.26 or newer` }
  }
}

function unavailableBecause(): string | undefined {
  loaded ??= load()
  return 'reason' in loaded ? loaded.reason : undefined
}

function create(): PosixMQ {
  loaded ??= load()
  if ('reason' in loaded) throw new IpcError('ERR_IPC_UNAVAILABLE', loaded.reason, { adapter: id })
  return new loaded.PosixMQ()
}

/** A queue of the package, and our descriptor of the same queue. */
class Queue {
  readonly mq: PosixMQ
  readonly #fd: number
  readonly #tracked: Tracked | undefined
  readonly #name: string

  constructor(mq: PosixMQ, name: string, tracked: Tracked | undefined, errors: ErrorContext) {
    this.mq = mq
    this.#name = name
    this.#tracked = tracked
    this.#fd = native.mqOpen(name, files.O_RDONLY, 0, 0, 0)
    if (this.#fd < 0) {
      mq.close()
      check(this.#fd, 'mq_open', errors)
    }
  }

  /** Removes the name while it is this queue's: >= 0 for the one who did, else -errno. */
  removeName(): number {
    return native.mqRemove(this.#fd, this.#name)
  }

  forget(): void {
    this.#tracked?.forget()
  }

  close(): void {
    if (this.#tracked !== undefined) {
      this.removeName()
      this.#tracked.forget()
    }
    this.mq.removeAllListeners()
    this.mq.close()
    native.fdClose(this.#fd)
  }
}

/** 0, or -errno with nothing open. */
function openWith(mq: PosixMQ, options: Parameters<PosixMQ['open']>[0]): number {
  try {
    mq.open(options)
    return 0
  } catch (error) {
    return errnoOfText(error)
  }
}

function makeOptions(address: QueueAddress, name: string, mode: number): Parameters<PosixMQ['open']>[0] {
  const { maxMessages, maxMessageBytes } = sizesOf(address)
  return { name, create: true, exclusive: true, mode, maxmsgs: maxMessages, msgsize: maxMessageBytes }
}

/** One queue for each direction; either may be missing. */
class PosixMqEndpoint implements Endpoint {
  error: IpcError | undefined
  readonly peer: Credentials | undefined = undefined
  readonly payload: { readonly min: number; readonly max: number }
  readonly maxPriority = MAX_PRIORITY
  nextLength = 0
  lastPriority = 0
  onReady: (ready: number) => void = () => {}
  readonly #from: Queue | undefined
  readonly #to: Queue | undefined
  readonly #errors: ErrorContext
  /** The package receives into a buffer of the queue's longest message alone. */
  readonly #room: Buffer
  #stash: Buffer | undefined
  #interest = 0
  #look: NodeJS.Timeout | undefined

  constructor(from: Queue | undefined, to: Queue | undefined, errors: ErrorContext) {
    this.#from = from
    this.#to = to
    this.#errors = errors
    this.payload = { min: 0, max: (to ?? from)?.mq.msgsize ?? 0 }
    this.#room = Buffer.alloc(from?.mq.msgsize ?? 0)
    for (const mq of [from?.mq, to?.mq]) {
      mq?.on('messages', this.#ready)
      mq?.on('drain', this.#ready)
    }
  }

  readonly #ready = () => {
    if (this.#interest !== 0) this.onReady(this.#interest)
  }

  get buffered(): boolean {
    return this.#stash !== undefined
  }

  trySend(data: Uint8Array, priority: number): number {
    if (this.#to === undefined) return Result.CLOSED
    try {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      return this.#to.mq.push(bytes, priority) ? data.length : Result.WOULD_BLOCK
    } catch (error) {
      return this.#failed(error)
    }
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.#from === undefined) return Result.CLOSED
    let message = this.#stash
    if (message === undefined) {
      try {
        const taken = this.#from.mq.shift(this.#room, true)
        if (taken === false) return Result.WOULD_BLOCK
        message = this.#room.subarray(0, taken[0])
        this.lastPriority = taken[1]
      } catch (error) {
        return this.#failed(error)
      }
    }
    if (message.length > target.length) {
      this.#stash = message
      this.nextLength = message.length
      return Result.TARGET_SIZE
    }
    target.set(message)
    this.#stash = undefined
    return message.length
  }

  #failed(error: unknown): number {
    this.error = fromNodeError(error, this.#errors)
    return Result.FAILED
  }

  watch(interest: number): void {
    this.#interest = interest & ((this.#from === undefined ? 0 : READABLE) | (this.#to === undefined ? 0 : WRITABLE))
    if (this.#interest === 0) {
      clearInterval(this.#look)
      this.#look = undefined
    } else this.#look ??= setInterval(this.#ready, LOOK_MS)
  }

  /** A queue has no end: whoever reads it waits for the next writer. */
  end(): void {}

  close(): void {
    this.watch(0)
    this.#from?.close()
    this.#to?.close()
  }
}

async function open(address: QueueAddress, side: 'receiver' | 'sender', context: OpenContext): Promise<Endpoint> {
  const errors = { adapter: id, address: formatQueue('mq+posix-mq', address) } as const
  const name = queueName(address.name)
  const mq = create()
  const { result, tracked } = openOrMake(
    context,
    () => openWith(mq, { name }),
    () => trackNew(queueKind, name, () => openWith(mq, makeOptions(address, name, context.mode))),
  )
  if (result < 0) throw openError(result, address, errors)
  const queue = new Queue(mq, name, tracked, errors)
  return side === 'receiver' ? new PosixMqEndpoint(queue, undefined, errors) : new PosixMqEndpoint(undefined, queue, errors)
}

export default defineAdapter({
  id,
  scheme: 'mq+posix-mq',
  summary: 'POSIX message queues through the npm package posix-mq',
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
    sync: false,
    zeroCopy: false,
    connects: true,
    opens: true,
    crossesHosts: false,
    priority: true,
    exempt: {
      10: 'the package keeps the process alive while a queue is open; unref cannot change that',
      11: 'the package makes queues with a mode that the umask narrows',
    },
  },
  unavailable: unavailableBecause,
  parse: parseQueue,
  format: (address) => formatQueue('mq+posix-mq', address),
  temporary: () => ({ name: `ipc-playground-${randomBytes(8).toString('hex')}` }),

  async listen(address, context) {
    const url = formatQueue('mq+posix-mq', address)
    const errors = { adapter: id, address: url } as const
    sweep() // what a killed listener left does not count as taken
    const queues: Queue[] = []
    const make = (suffix: string): Queue => {
      const name = queueName(address.name, suffix)
      const mq = create()
      const { result, tracked } = trackNew(queueKind, name, () => openWith(mq, makeOptions(address, name, context.mode)))
      if (result < 0) throw openError(result, address, errors)
      const queue = new Queue(mq, name, tracked, errors)
      queues.push(queue)
      return queue
    }
    let endpoint: PosixMqEndpoint
    try {
      // NAME.0 is the gate: who finds it finds the other.
      const from = make('.1')
      endpoint = new PosixMqEndpoint(from, make('.0'), errors)
    } catch (error) {
      for (const queue of queues) queue.close()
      throw error
    }
    return awaitHello(
      endpoint,
      url,
      context,
      errors,
      () => {
        for (const queue of queues) queue.forget()
      },
      () => {
        for (const queue of queues) queue.removeName()
      },
    )
  },

  /** Whoever removes the name NAME.0 is the peer; from then on the queues are nameless, and end with their last user. */
  async connect(address, { signal }) {
    signal.throwIfAborted()
    sweep() // a killed listener's queues would take a hello as well
    const errors = { adapter: id, address: formatQueue('mq+posix-mq', address) } as const
    const queues: Queue[] = []
    const find = (suffix: string): Queue => {
      const name = queueName(address.name, suffix)
      const mq = create()
      const result = openWith(mq, { name })
      if (result < 0) throw openError(result, address, errors)
      const queue = new Queue(mq, name, undefined, errors)
      queues.push(queue)
      return queue
    }
    try {
      const from = find('.0')
      const to = find('.1')
      const claimed = from.removeName()
      if (claimed === -ENOENT) throw new IpcError('ERR_IPC_BUSY', 'another connector was faster; the listener takes one', errors)
      check(claimed, 'mq_unlink', errors)
      to.removeName()
    } catch (error) {
      for (const queue of queues) queue.close()
      throw error
    }
    const [from, to] = queues
    return sayHello(new PosixMqEndpoint(from, to, errors), errors)
  },

  openReceiver: (address, context) => open(address, 'receiver', context),
  openSender: (address, context) => open(address, 'sender', context),
})
