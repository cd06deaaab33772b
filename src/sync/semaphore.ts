/** Permits that processes share by name: at most so many of them do something at one time. sem_overview(7), semop(2) */
import { checkName } from '../core/address.js'
import type { CallOptions, Create, Timeout } from '../core/channel.js'
import { checkCreate } from '../core/create.js'
import { type ErrorContext, IpcError, unavailable } from '../core/errors.js'
import { checkMode } from '../core/rendezvous.js'
import { checkOptions, checkTimeout, timeoutError, withSignal } from '../core/wait.js'
import { addonError } from '../native/index.js'
import * as atomics from './atomics-tokens.js'
import * as posix from './posix-tokens.js'
import * as sysv from './sysv-tokens.js'
import type { Opening, Tokens } from './tokens.js'

/** `'sysv'` gives back what a killed process held; `'posix'` and `'atomics'` do not. */
export type SemaphoreKind = 'sysv' | 'posix' | 'atomics'

export interface SemaphoreOptions extends CallOptions {
  /**
   * The permits that there are in all. Who opens an existing semaphore must say the same. 0 makes one that only
   * `post` fills. At most 32766 (`'sysv'`), else 2147483647.
   */
  permits: number
  /** Default `'sysv'`. The kinds have names of their own: two semaphores of different kinds are two. */
  kind?: SemaphoreKind
  /** Default `'never'`: use what is there. */
  create?: Create
  /** Permissions where this call creates. Default 0o600. */
  mode?: number
}

/** The right to go on, until `release` or disposal, which may come twice. */
export interface Permit extends Disposable {
  /** Gives it back, to whoever waits. A count that others have posted to its maximum stays there. */
  release(): void
}

/**
 * A semaphore that is open here. It stays, with its count, when all have closed it, until `unlink` or the next boot.
 * Calls of one `Semaphore` are served in the order of the calls; between processes (and between two that were
 * opened here) the kernel chooses.
 *
 * Once removed by somebody's `unlink`, a `'sysv'` one is gone for all: whoever waits or comes gets ERR_IPC_PEER_GONE.
 */
export interface Semaphore extends Disposable {
  /** Permits of a process or Worker come back when it ends in whatever way. */
  readonly crashSafe: boolean
  /**
   * A permit, when there is one.
   * @throws ERR_IPC_TIMEOUT, ERR_IPC_CLOSED, ERR_IPC_PEER_GONE, ERR_IPC_LIMIT, the signal's reason
   */
  acquire(options?: CallOptions): Promise<Permit>
  /** A permit if there is one and nobody waits here, else `null`. */
  tryAcquire(): Permit | null
  /** As `acquire`, blocking this thread. @throws ERR_IPC_BUSY while `acquire` waits here; else as `acquire` */
  acquireSync(options?: Timeout): Permit
  /** Runs `body` with a permit, which it has until `body` has settled. */
  withPermit<T>(body: () => T | PromiseLike<T>, options?: CallOptions): Promise<T>
  /**
   * Adds permits that nobody held: `count` of them, 1 to the most that the kind has. They stay when this process ends, also
   * with `'sysv'`, where what was acquired and not released comes back all the same.
   * @throws ERR_IPC_LIMIT where the count would pass its maximum
   */
  post(count?: number): void
  /** Removes the name, if it still is this semaphore's. `'posix'` and `'atomics'` serve those who have it open on. */
  unlink(): void
  /** Gives back every permit acquired here that was not released. Waiting calls reject with ERR_IPC_CLOSED. Idempotent. */
  close(): void
}

const kinds: Record<SemaphoreKind, { maxName: number; maxPermits: number; open: (opening: Opening) => Promise<Tokens> }> = {
  sysv: { maxName: 255, maxPermits: sysv.MOST_PERMITS, open: sysv.openSysvTokens },
  posix: { maxName: posix.MAX_NAME, maxPermits: posix.MOST_PERMITS, open: posix.openPosixTokens },
  atomics: { maxName: atomics.MAX_NAME, maxPermits: atomics.MOST_PERMITS, open: atomics.openAtomicsTokens },
}

/**
 * Opens or creates a semaphore by name (one name without a further slash).
 *
 * Who finds one that its creator has not finished waits for it.
 *
 * @throws ERR_IPC_EXISTS, ERR_IPC_NOT_FOUND (by `create`), ERR_IPC_VERSION where it was made with other permits or by
 *         another program, ERR_IPC_LIMIT, ERR_IPC_PERMISSION, ERR_IPC_TIMEOUT, ERR_IPC_UNAVAILABLE
 */
export async function openSemaphore(name: string, options: SemaphoreOptions): Promise<Semaphore> {
  const { permits, kind = 'sysv', create = 'never', timeout, signal } = options
  if (!Object.hasOwn(kinds, kind)) throw new TypeError(`kind is 'sysv', 'posix' or 'atomics', not ${JSON.stringify(kind)}`)
  const { maxName, maxPermits, open } = kinds[kind]
  const bare = checkName(name, maxName)
  checkCount('permits', permits, 0, maxPermits)
  checkCreate(create)
  const mode = checkMode(options.mode)
  const errors: ErrorContext = { address: `${kind} semaphore /${bare}` }
  if (addonError !== undefined) throw unavailable(addonError, errors)
  return new NamedSemaphore(await open({ name: bare, permits, create, mode, timeout, signal, errors }), maxPermits, errors)
}

function checkCount(what: string, count: number, least: number, most: number): void {
  if (typeof count !== 'number') throw new TypeError(`${what} must be a number, not ${JSON.stringify(count)}`)
  if (!Number.isInteger(count) || count < least || count > most)
    throw new RangeError(`${what} must be an integer from ${least} to ${most}, not ${count}`)
}

interface Waiting {
  obtained(): void
  failed(error: unknown): void
}

class NamedSemaphore implements Semaphore {
  readonly #tokens: Tokens
  readonly #mostPermits: number
  readonly #errors: ErrorContext
  readonly #held = new Set<HeldPermit>()
  readonly #queue: Waiting[] = []
  /** A token is being taken for the first of the queue. */
  #taking = false
  #closed = false

  constructor(tokens: Tokens, mostPermits: number, errors: ErrorContext) {
    this.#tokens = tokens
    this.#mostPermits = mostPermits
    this.#errors = errors
  }

  get crashSafe(): boolean {
    return this.#tokens.crashSafe
  }

  #closedError(): IpcError {
    return new IpcError('ERR_IPC_CLOSED', 'the semaphore is closed', this.#errors)
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError()
  }

  async acquire(options: CallOptions = {}): Promise<Permit> {
    checkOptions(options)
    return this.tryAcquire() ?? withSignal(options, this.#errors, (signal) => this.#wait(signal))
  }

  tryAcquire(): Permit | null {
    this.#checkOpen()
    return this.#queue.length === 0 && this.#tokens.tryTake() ? this.#permit() : null
  }

  acquireSync(options: Timeout = {}): Permit {
    checkTimeout(options.timeout)
    this.#checkOpen()
    if (this.#queue.length > 0) throw new IpcError('ERR_IPC_BUSY', 'calls of acquire wait here, and come first', this.#errors)
    if (!this.#tokens.takeSync(options.timeout ?? -1)) throw timeoutError(options.timeout ?? 0, this.#errors)
    return this.#permit()
  }

  async withPermit<T>(body: () => T | PromiseLike<T>, options: CallOptions = {}): Promise<T> {
    const permit = await this.acquire(options)
    try {
      return await body()
    } finally {
      permit.release()
    }
  }

  #permit(): Permit {
    const permit = new HeldPermit((released) => {
      if (this.#held.delete(released)) this.#tokens.giveBack()
    })
    this.#held.add(permit)
    return permit
  }

  #wait(signal: AbortSignal): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        obtained: () => {
          signal.removeEventListener('abort', aborted)
          resolve(this.#permit())
        },
        failed: (error) => {
          signal.removeEventListener('abort', aborted)
          reject(error)
        },
      }
      const aborted = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1)
        if (this.#queue.length === 0) this.#stop()
        reject(signal.reason)
      }
      signal.addEventListener('abort', aborted, { once: true })
      this.#queue.push(waiting)
      this.#take()
    })
  }

  #take(): void {
    if (this.#taking || this.#queue.length === 0) return
    this.#taking = true
    try {
      this.#tokens.startTaking((error) => {
        this.#taking = false
        if (error !== undefined) this.#fail(error)
        this.#queue.shift()?.obtained()
        this.#take()
      })
    } catch (error) {
      this.#taking = false
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    for (const waiting of this.#queue.splice(0)) waiting.failed(error)
  }

  /** Nobody waits any more: what was obtained at the last moment is for others. */
  #stop(): void {
    if (!this.#taking) return
    this.#taking = false
    if (this.#tokens.stopTaking()) this.#tokens.giveBack()
  }

  post(count = 1): void {
    checkCount('count', count, 1, this.#mostPermits)
    this.#checkOpen()
    this.#tokens.post(count)
  }

  unlink(): void {
    this.#tokens.unlink()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#fail(this.#closedError())
    try {
      this.#stop()
      for (const permit of [...this.#held]) permit.release()
    } finally {
      this.#tokens.close()
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

class HeldPermit implements Permit {
  readonly #giveBack: (permit: HeldPermit) => void

  constructor(giveBack: (permit: HeldPermit) => void) {
    this.#giveBack = giveBack
  }

  release(): void {
    this.#giveBack(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
