/** One System V semaphore set to a channel. sysvipc(7), semop(2) */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { sweep, type Tracked, track } from '../../core/janitor.js'
import { keyOfName, keyText } from '../../core/sysv-key.js'
import { defineSetKind, makeSet, setError } from '../../core/sysv-set.js'
import { addonError } from '../../native/index.js'
import { native } from '../../native/semaphore.js'
import { TokenEndpoint, tokenCapabilities } from './token-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** The set has the key that `core/sysv-key` makes of the name. */
    'semaphore/sysv': { name: string }
  }
}

const id = 'semaphore/sysv'
const { EAGAIN } = constants.errno
const MAX_NAME = 255

/** The semaphores of a set, by index: the two directions, who may still connect, and how many use the set. */
const TO_CONNECTOR = 0
const TO_LISTENER = 1
const TICKET = 2
const MEMBERS = 3
const SET_SIZE = 4

// A new set is all zeros on Linux (semget(2), NOTES), so it is usable from the one operation that offers it.
const offer = Int16Array.of(TICKET, 1, MEMBERS, 1)
const claim = Int16Array.of(TICKET, -1, MEMBERS, 1)
const withdraw = Int16Array.of(TICKET, -1)
const part = Int16Array.of(MEMBERS, -1)

/** Gives up a set: removes it unless the other side of the channel still uses it. */
function leave(set: number): void {
  native.semsetOperate(set, part)
  if (native.semsetValue(set, MEMBERS) <= 0) native.semsetRemove(set)
}

const setKind = defineSetKind(id, leave)

class SysvSemaphores extends TokenEndpoint {
  readonly #set: number
  readonly #from: number
  readonly #to: number
  readonly #tracked: Tracked
  readonly #up: Int16Array
  readonly #down: Int16Array
  readonly #back: Int16Array

  constructor(set: number, from: number, to: number, tracked: Tracked, errors: ErrorContext) {
    super(errors)
    this.#set = set
    this.#from = from
    this.#to = to
    this.#tracked = tracked
    // Never SEM_UNDO: a token that was sent stays sent when the sender ends.
    this.#up = Int16Array.of(to, 1)
    this.#down = Int16Array.of(from, -1)
    this.#back = Int16Array.of(from, 1)
  }

  protected override post(): number {
    return native.semsetOperate(this.#set, this.#up)
  }
  protected override tryTake(): number {
    return native.semsetOperate(this.#set, this.#down)
  }
  protected override take(timeoutMs: number): number {
    return native.semsetWait(this.#set, this.#from, timeoutMs)
  }
  protected override giveBack(): void {
    native.semsetOperate(this.#set, this.#back)
  }
  protected override openReader(): number {
    return native.semsetWaiter(this.#set, this.#from, 0)
  }
  protected override openWriter(): number {
    return native.semsetWaiter(this.#set, this.#to, 1)
  }
  protected override release(): void {
    leave(this.#set)
    this.#tracked.forget()
  }
}

const format = ({ name }: { name: string }) => `sem+sysv:///${encodeURIComponent(checkName(name, MAX_NAME))}`

export default defineAdapter({
  id,
  scheme: 'sem+sysv',
  summary: 'a System V semaphore set: events without bytes',
  capabilities: { ...tokenCapabilities, native: 'duplex', lifetime: 'kernel' },
  unavailable: () => addonError,
  parse: (url) => ({ name: pathOf(url) }),
  format,
  temporary: () => ({ name: `ipc-playground-${randomBytes(8).toString('hex')}` }),

  async listen(address, context) {
    const url = format(address)
    const errors = { adapter: id, address: url } as const
    const key = keyOfName(address.name)
    sweep() // what a killed listener left does not count as taken
    const { result: set, tracked } = makeSet(setKind, key, SET_SIZE, context.mode)
    if (tracked === undefined) throw setError(set, key, errors)
    const endpoint = new SysvSemaphores(set, TO_LISTENER, TO_CONNECTOR, tracked, errors)
    const offered = native.semsetOperate(set, offer)
    if (offered < 0) {
      endpoint.close()
      throw systemError(offered, 'semop', errors)
    }
    // Taken back first: from here on nobody connects to a set that is about to go.
    return awaitHello(
      endpoint,
      url,
      context,
      errors,
      () => {},
      () => native.semsetOperate(set, withdraw),
    )
  },

  /** Whoever takes the ticket is the peer. The set ends with its last user. */
  async connect(address, { signal }) {
    signal.throwIfAborted()
    sweep() // a killed listener's set would take a hello as well
    const errors = { adapter: id, address: format(address) } as const
    const key = keyOfName(address.name)
    const set = check(native.semsetOpen(key, SET_SIZE, 0o600), 'semget', errors)
    const claimed = native.semsetOperate(set, claim)
    if (claimed === -EAGAIN)
      throw native.semsetValue(set, MEMBERS) === 0
        ? new IpcError('ERR_IPC_NOT_FOUND', 'the listener is not ready; pass waitForPeer: true', errors)
        : new IpcError('ERR_IPC_BUSY', 'the listener has its peer; it takes one', errors)
    check(claimed, 'semop', errors)
    return sayHello(new SysvSemaphores(set, TO_CONNECTOR, TO_LISTENER, track(setKind, keyText(key)), errors), errors)
  },
})
