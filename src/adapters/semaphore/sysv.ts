/** One System V semaphore set to a channel. sysvipc(7), semop(2) */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { defineKind, sweep, type Tracked, track, trackNew } from '../../core/janitor.js'
import { keyOfName, keyText } from '../../core/sysv-key.js'
import { addonError } from '../../native/index.js'
import { native } from './native.js'
import { TokenEndpoint, tokenCapabilities } from './token-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** The set has the key that `core/sysv-key` makes of the name. */
    'semaphore/sysv': { name: string }
  }
}

const id = 'semaphore/sysv'
const { EAGAIN, EEXIST, ENOSPC } = constants.errno
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000
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

const found = (key: string): number => native.semsetOpen(Number(key), 0, 0)

/** Seconds; negative where there is no such set. */
const changedOf = (set: number): number => (set < 0 ? set : native.semsetChanged(set))

/** Under its key. A successor has another identifier. */
const setKind = defineKind({
  kind: id,
  identity(key) {
    const set = found(key)
    const changed = changedOf(set)
    return changed < 0 ? undefined : `${set}:${changed}`
  },
  born(key) {
    const changed = changedOf(found(key))
    return changed < 0 ? undefined : changed * 1000
  },
  remove(key) {
    const set = found(key)
    if (set >= 0) leave(set)
  },
})

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

function openError(result: number, key: number, errors: ErrorContext): IpcError {
  if (result === -ENOSPC)
    return systemError(
      result,
      'semget',
      errors,
      'the machine has as many semaphores as kernel.sem allows; raise it, or remove some with ipcrm',
    )
  if (result === -EEXIST)
    return systemError(
      result,
      'semget',
      errors,
      `a set has the key ${keyText(key)} already, of this name or of another one with the same hash; remove it with ipcrm, or choose another`,
    )
  return systemError(result, 'semget', errors)
}

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
    const { result: set, tracked } = trackNew(setKind, keyText(key), () =>
      native.semsetOpen(key, SET_SIZE, IPC_CREAT | IPC_EXCL | context.mode),
    )
    if (tracked === undefined) throw openError(set, key, errors)
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
