/** System V message queues: messages with a type, on identifiers that a thread must wait for. sysvipc(7), msgop(2) */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { defineAdapter, type Endpoint, type OpenContext, READABLE, WRITABLE } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { Result } from '../../core/channel.js'
import { openOrMake } from '../../core/create.js'
import { NO_WAIT, waits } from '../../core/descriptor-endpoint.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { defineKind, sweep, type Tracked, track, trackNew } from '../../core/janitor.js'
import { Streak } from '../../core/streak.js'
import { checkKey, keyOfName, keyText } from '../../core/sysv-key.js'
import { WaiterEndpoint } from '../../core/waiter-endpoint.js'
import { addonError } from '../../native/index.js'
import { native } from './native.js'

/** A queue has a key; one with a name has the key that `core/sysv-key` makes of the name. */
type SysvQueueAddress = (
  | { name: string }
  /** 1 to 0xffffffff, such as ftok(3) gives. A channel uses KEY and KEY + 1. */
  | { key: number }
) & {
  /**
   * The type of messages: a sender sends it (default 1), a receiver takes messages of it alone (default:
   * any, in the order of the queue). 1 to 0x7fffffff. The two sides of a channel must give the same.
   */
  type?: number
}

declare module '../../core/channel.js' {
  interface Adapters {
    'message-queue/sysv': SysvQueueAddress
  }
}

const id = 'message-queue/sysv'
const { EAGAIN, EIDRM, EINVAL, ENOSPC, E2BIG, EEXIST } = constants.errno
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000
const READ = 0o400
const WRITE = 0o200
const MAX_NAME = 255
const ANY_TYPE = 0
const DEFAULT_TYPE = 1
/** Whoever takes the message of this type off a new channel is its connector. */
const TICKET = 2 ** 32
/** In a channel's queue while both sides use it: who closes first takes it, who closes last removes the queue. */
const MEMBER = 2 ** 32 + 1

const NOTHING = new Uint8Array(0)
const NO_QUEUE = { queue: -1, type: 0 }

/** kernel.msgmax: the longest message. */
function longestMessage(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/msgmax', 'utf8')) || 8192
  } catch {
    return 8192
  }
}

const state = new Float64Array(3)
const stateOf = (queue: number, errors: ErrorContext) => {
  check(native.msqStat(queue, state), 'msgctl', errors)
  const [changed, sent, bytes] = state as unknown as [number, number, number]
  return { changed, sent, bytes }
}

/** Gives up a queue: removes it unless the other side of a channel still uses it. */
function leave(queue: number): void {
  if (native.msqTake(queue, MEMBER) < 0) native.msqRemove(queue)
}

const found = (key: string): number => native.msqOpen(Number(key), 0)

/** Under its key. A successor has another identifier. */
const queueKind = defineKind({
  kind: id,
  identity(key) {
    const queue = found(key)
    return queue < 0 || native.msqStat(queue, state) < 0 ? undefined : `${queue}:${state[0]}`
  },
  born(key) {
    const queue = found(key)
    return queue < 0 || native.msqStat(queue, state) < 0 ? undefined : (state[0] as number) * 1000
  },
  remove(key) {
    const queue = found(key)
    if (queue >= 0) leave(queue)
  },
})

/** A queue that is ours to remove. */
interface Owned {
  readonly queue: number
  readonly tracked: Tracked
}

function disown(owned: readonly Owned[]): void {
  for (const { queue, tracked } of owned) {
    leave(queue)
    tracked.forget()
  }
}

/** One queue for each direction; either may be missing. */
class SysvQueueEndpoint extends WaiterEndpoint {
  readonly payload: { readonly min: number; readonly max: number }
  nextLength = 0
  readonly #from: { queue: number; type: number } | undefined
  readonly #to: { queue: number; type: number } | undefined
  readonly #released: () => void
  readonly #longest = longestMessage()
  #refused = 0
  readonly #streak = new Streak((target) => native.msqReceive(this.reader?.handle ?? -1, target, NO_WAIT), -EAGAIN)

  /** `released` runs once, when no thread uses the queues any more. */
  constructor(
    from: { queue: number; type: number } | undefined,
    to: { queue: number; type: number } | undefined,
    errors: ErrorContext,
    released: () => void,
  ) {
    super(errors)
    this.#from = from
    this.#to = to
    this.#released = released
    const [first] = [to, from].filter((direction) => direction !== undefined)
    this.payload = { min: 0, max: first === undefined ? 0 : Math.min(this.#longest, stateOf(first.queue, errors).bytes) }
  }

  protected override openReader(): number {
    const { queue, type } = this.#from ?? NO_QUEUE
    return native.msqReceiver(queue, type, this.#longest)
  }

  protected override openWriter(): number {
    return native.msqRoom((this.#to ?? NO_QUEUE).queue)
  }

  /** A queue that was removed is told by EIDRM to those inside, and by EINVAL to those who come later. */
  protected override translated(n: number): number {
    return n === -EINVAL ? -EIDRM : n
  }

  override get buffered(): boolean {
    return super.buffered || (this.startedReader !== undefined && native.msqHeld(this.startedReader.handle) >= 0)
  }

  trySend(data: Uint8Array): number {
    return this.sendSync(data, NO_WAIT)
  }

  sendSync(data: Uint8Array, waitMs: number): number {
    if (this.#to === undefined) return Result.CLOSED
    // A try first: the room is often just being made, and a thread that sleeps for it costs both sides a wake-up.
    let n = native.msqSend(this.#to.queue, this.#to.type, data, NO_WAIT)
    if (n === -EAGAIN && waitMs !== NO_WAIT) n = native.msqSend(this.#to.queue, this.#to.type, data, waits(waitMs))
    if (n === -EAGAIN) this.#refused = data.length
    return n < 0 ? this.sent(n, 'msgsnd') : data.length
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.receiveSync(target, NO_WAIT)
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    if (this.#from === undefined) return Result.CLOSED
    const obtained = this.obtained()
    if (obtained !== undefined && obtained < 0) return this.received(obtained, 'msgrcv')
    const { reader } = this
    if (reader === undefined) return this.received(-EAGAIN, 'msgrcv')
    let n = waitMs === NO_WAIT ? -EAGAIN : this.#streak.try(target)
    if (n === -EAGAIN) n = native.msqReceive(reader.handle, target, waits(waitMs))
    if (n !== -E2BIG) return this.received(n, 'msgrcv')
    const held = native.msqHeld(reader.handle)
    if (held < 0) return this.received(n, 'msgrcv') // longer than kernel.msgmax, which was lowered since
    this.nextLength = held
    return Result.TARGET_SIZE
  }

  override watch(interest: number): void {
    const possible = (this.#from === undefined ? 0 : READABLE) | (this.#to === undefined ? 0 : WRITABLE)
    if (interest & possible & WRITABLE) this.#announceRoom()
    super.watch(interest & possible)
  }

  override waitSync(interest: number, timeoutMs: number): number {
    if (interest & WRITABLE) this.#announceRoom()
    return super.waitSync(interest, timeoutMs)
  }

  /** The thread waits for room for the message that was refused. Not changed while it is waiting. */
  #announceRoom(): void {
    const { writer } = this
    if (writer !== undefined) native.msqRoomFor(writer.handle, this.#refused)
  }

  override close(): void {
    this.watch(0)
    // Somebody else may still want what the thread took at the last moment.
    if (this.startedReader !== undefined) native.msqReturn(this.startedReader.handle)
    super.close()
    this.#released()
  }
}

const keyLike = /^\/?0x[0-9a-f]{1,8}$/i

function checkAddress(address: SysvQueueAddress): SysvQueueAddress {
  const { type } = address
  if (type !== undefined && (!Number.isInteger(type) || type < 1 || type > 0x7fffffff))
    throw new RangeError(`type must be 1 to 0x7fffffff, not ${type}`)
  if ('key' in address) checkKey(address.key)
  else {
    checkName(address.name, MAX_NAME)
    if (keyLike.test(address.name))
      throw new TypeError(`'${address.name}' looks like a key; write { key: ${address.name.replace('/', '')} }`)
  }
  return address
}

const keyOf = (address: SysvQueueAddress): number => ('key' in address ? address.key : keyOfName(address.name))

/** From listener to connector, and back. */
function channelKeys(address: SysvQueueAddress): [number, number] {
  if ('key' in address) return [address.key, checkKey(address.key + 1)]
  return [keyOfName(`${address.name}.0`), keyOfName(`${address.name}.1`)]
}

function parse(url: URL): SysvQueueAddress {
  const path = pathOf(url)
  const type = url.searchParams.get('type')
  const given = type === null ? {} : { type: Number(type) }
  return checkAddress(keyLike.test(path) ? { key: Number(path.slice(1)), ...given } : { name: path, ...given })
}

function format(address: SysvQueueAddress): string {
  checkAddress(address)
  const path = 'key' in address ? keyText(address.key) : encodeURIComponent(checkName(address.name, MAX_NAME))
  return `mq+sysv:///${path}${address.type === undefined ? '' : `?type=${address.type}`}`
}

function openError(result: number, key: number, errors: ErrorContext): IpcError {
  if (result === -ENOSPC)
    return systemError(result, 'msgget', errors, 'the machine has kernel.msgmni queues; raise it, or remove some with ipcrm')
  if (result === -EEXIST)
    return systemError(
      result,
      'msgget',
      errors,
      `a queue has the key ${keyText(key)} already, of this name or of another one with the same hash; remove it with ipcrm, choose another, or open it with create: 'never'`,
    )
  return systemError(result, 'msgget', errors)
}

const makeQueue = (key: number, mode: number) => trackNew(queueKind, keyText(key), () => native.msqOpen(key, IPC_CREAT | IPC_EXCL | mode))

async function open(address: SysvQueueAddress, side: 'receiver' | 'sender', context: OpenContext): Promise<Endpoint> {
  const errors = { adapter: id, address: format(address) } as const
  const key = keyOf(address)
  const { result: queue, tracked } = openOrMake(
    context,
    () => native.msqOpen(key, side === 'receiver' ? READ : WRITE),
    () => makeQueue(key, context.mode),
  )
  if (queue < 0) throw openError(queue, key, errors)
  const owned = tracked === undefined ? [] : [{ queue, tracked }]
  return side === 'receiver'
    ? new SysvQueueEndpoint({ queue, type: address.type ?? ANY_TYPE }, undefined, errors, () => disown(owned))
    : new SysvQueueEndpoint(undefined, { queue, type: address.type ?? DEFAULT_TYPE }, errors, () => disown(owned))
}

export default defineAdapter({
  id,
  scheme: 'mq+sysv',
  summary: 'System V message queues',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: longestMessage() },
    native: 'simplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'none',
    halfClose: false,
    rendezvous: 'name',
    peers: 'one',
    lifetime: 'kernel',
    asyncWait: 'thread',
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
  parse,
  format,
  temporary: () => ({ name: `ipc-playground-${randomBytes(8).toString('hex')}` }),

  async listen(address, context) {
    const url = format(address)
    const errors = { adapter: id, address: url } as const
    const type = address.type ?? DEFAULT_TYPE
    const [toConnector, toListener] = channelKeys(address)
    sweep() // what a killed listener left does not count as taken
    const owned: Owned[] = []
    const make = (key: number): number => {
      const { result: queue, tracked } = makeQueue(key, context.mode)
      if (tracked === undefined) throw openError(queue, key, errors)
      owned.push({ queue, tracked })
      return queue
    }
    let endpoint: SysvQueueEndpoint
    let ticketed: number
    try {
      const from = { queue: make(toListener), type }
      const to = { queue: make(toConnector), type }
      endpoint = new SysvQueueEndpoint(from, to, errors, () => disown(owned))
      check(native.msqSend(to.queue, TICKET, NOTHING, 0), 'msgsnd', errors)
      ticketed = to.queue
    } catch (error) {
      disown(owned)
      throw error
    }
    // Taken back first: from here on nobody connects to queues that are about to go.
    return awaitHello(
      endpoint,
      url,
      context,
      errors,
      () => {},
      () => native.msqTake(ticketed, TICKET),
    )
  },

  /** Whoever takes the ticket is the peer. The queues end with their last user. */
  async connect(address, { signal }) {
    signal.throwIfAborted()
    sweep() // a killed listener's queues would take a hello as well
    const errors = { adapter: id, address: format(address) } as const
    const type = address.type ?? DEFAULT_TYPE
    const [toConnector, toListener] = channelKeys(address)
    const from = { queue: check(native.msqOpen(toConnector, READ | WRITE), 'msgget', errors), type }
    const to = { queue: check(native.msqOpen(toListener, READ | WRITE), 'msgget', errors), type }
    const ready = stateOf(from.queue, errors).sent > 0
    if (native.msqTake(from.queue, TICKET) < 0)
      throw ready
        ? new IpcError('ERR_IPC_BUSY', 'the listener has its peer; it takes one', errors)
        : new IpcError('ERR_IPC_NOT_FOUND', 'the listener is not ready; pass waitForPeer: true', errors)
    const owned = [
      { ...from, key: toConnector },
      { ...to, key: toListener },
    ].map(({ queue, key }) => {
      native.msqSend(queue, MEMBER, NOTHING, 0)
      return { queue, tracked: track(queueKind, keyText(key)) }
    })
    return sayHello(new SysvQueueEndpoint(from, to, errors, () => disown(owned)), errors)
  },

  openReceiver: (address, context) => open(address, 'receiver', context),
  openSender: (address, context) => open(address, 'sender', context),
})
