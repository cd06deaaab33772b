/**
 * A System V semaphore whose permits come back when their holder ends, however it ends. semop(2), SEM_UNDO
 *
 * The set has the key that core/sysv-key.ts makes of the name, and two semaphores: the count, and the permits it was
 * made with plus 1. Both are raised by one semop(2), so a set whose second one is 0 is not ready yet. Its order of
 * creation and use is the one for which Stevens uses sem_otime (UNPv2, 11.2), told by a value of our own.
 */
import { constants } from 'node:os'
import { check, type ErrorContext, IpcError, systemError } from '../core/errors.js'
import { keyOfName } from '../core/sysv-key.js'
import { defineSetKind, makeSet, setError } from '../core/sysv-set.js'
import { untilReady } from '../core/until-ready.js'
import { native } from '../native/semaphore.js'
import { checkGivenBack, differentPermits, type Opening, TakingThread, type Tokens, taken, tokenError } from './tokens.js'

const { EEXIST, EIDRM, EINVAL, ENOENT } = constants.errno
const COUNT = 0
const MADE_WITH = 1
const SET_SIZE = 2
const READ_AND_ALTER = 0o600

/** SEMVMX is 32767, and the second semaphore holds one more than the permits. */
export const MOST_PERMITS = 32766

/** Recorded while it is being made alone: one that is ready is its users' to keep. */
const halfMadeKind = defineSetKind('half-made-semaphore', (set) => {
  if (native.semsetValue(set, MADE_WITH) === 0) native.semsetRemove(set)
})

export const openSysvTokens = (opening: Opening): Promise<Tokens> => untilReady(opening, opening.errors, () => attempt(opening))

function attempt({ name, permits, create, mode, errors }: Opening): SysvTokens | undefined {
  const key = keyOfName(name)
  if (create !== 'never') {
    const { result: set, tracked } = makeSet(halfMadeKind, key, SET_SIZE, mode)
    if (tracked !== undefined) {
      const raised = native.semsetOperate(set, Int16Array.of(COUNT, permits, MADE_WITH, permits + 1))
      if (raised < 0) {
        tracked.remove()
        throw tokenError(raised, 'semop', errors)
      }
      tracked.forget()
      return new SysvTokens(set, errors)
    }
    if (create === 'exclusive' || set !== -EEXIST) throw setError(set, key, errors)
  }
  const set = native.semsetOpen(key, 0, READ_AND_ALTER)
  if (set === -ENOENT && create === 'if-missing') return undefined
  if (set === -ENOENT) throw systemError(set, 'semget', errors, "no semaphore has this name; pass create: 'if-missing' to make it")
  if (set < 0) throw setError(set, key, errors)
  return found(set, permits, errors)
}

/** undefined where it is not ready, or was removed meanwhile. */
function found(set: number, permits: number, errors: ErrorContext): SysvTokens | undefined {
  const size = native.semsetSize(set)
  const madeWith = size === SET_SIZE ? native.semsetValue(set, MADE_WITH) : size
  if (madeWith === -EINVAL || madeWith === -EIDRM) return undefined
  check(madeWith, 'semctl', errors)
  if (size !== SET_SIZE)
    throw new IpcError('ERR_IPC_VERSION', `the set of this key has ${size} semaphores; it was not made by openSemaphore`, errors)
  if (madeWith === 0) return undefined
  if (madeWith !== permits + 1) throw differentPermits(madeWith - 1, permits, errors)
  return new SysvTokens(set, errors)
}

class SysvTokens implements Tokens {
  readonly crashSafe = true
  readonly #set: number
  readonly #holder: number
  readonly #thread: TakingThread
  readonly #errors: ErrorContext

  constructor(set: number, errors: ErrorContext) {
    this.#set = set
    this.#errors = errors
    this.#holder = check(native.semsetHolder(set, COUNT), 'malloc', errors)
    this.#thread = new TakingThread(() => native.semsetHoldWaiter(this.#holder), 'semop', errors)
  }

  tryTake(): boolean {
    return this.takeSync(0)
  }

  takeSync(timeoutMs: number): boolean {
    return taken(native.semsetHold(this.#holder, timeoutMs), 'semop', this.#errors)
  }

  startTaking(ended: (error?: unknown) => void): void {
    this.#thread.start(ended)
  }

  stopTaking(): boolean {
    return this.#thread.stop()
  }

  giveBack(): void {
    checkGivenBack(native.semsetGiveBack(this.#holder), 'semop', this.#errors)
  }

  /** Without undo: what was posted stays when its poster ends. */
  post(count: number): void {
    const result = native.semsetOperate(this.#set, Int16Array.of(COUNT, count))
    if (result < 0) throw tokenError(result, 'semop', this.#errors)
  }

  /** By identifier, which a successor of the same name does not have. */
  unlink(): void {
    const result = native.semsetRemove(this.#set)
    if (result < 0 && result !== -EINVAL && result !== -EIDRM) throw systemError(result, 'semctl', this.#errors)
  }

  close(): void {
    this.#thread.close()
    native.semsetHolderClose(this.#holder)
  }
}
