/** Mutual exclusion between processes, that survives the death of a holder: `openMutex`. */
import { constants } from 'node:os'
import type { CallOptions, Timeout } from '../core/channel.js'
import { check, type ErrorContext, IpcError } from '../core/errors.js'
import { KeepAlive } from '../core/keep-alive.js'
import { checkOptions, checkTimeout, limit, timeoutError } from '../core/wait.js'
import type { Exclusion } from './exclusion.js'
import { openFileLock } from './file-lock.js'
import { openMemoryLock } from './memory-lock.js'
import type { SharedMemoryBuffer } from './shared-memory-buffer.js'

const { EAGAIN } = constants.errno

/** What a mutex is kept in. */
export type MutexPlace =
  /** Guards FILE by the lock file FILE.lock beside it. */
  | { readonly file: string }
  /** In a 32-bit word of shared memory, which is 0 at first and used for nothing else. */
  | { readonly memory: SharedMemoryBuffer; readonly word: number }

/** Held until it is released, or until its process or thread ends. */
export interface Lock extends Disposable {
  /**
   * The last holder ended without releasing it, however it ended: what the mutex guards may be half done.
   * The death of the machine is not told.
   */
  readonly recovered: boolean
  /** Gives the mutex to whoever waits. Idempotent. @throws ERR_IPC_PROTOCOL where another process broke into the lock */
  release(): void
}

/**
 * At most one holder at a time, in all threads of all processes that opened the same. Not reentrant: who holds it
 * and acquires again waits for itself. In one `Mutex` calls are served in their order; between several, who
 * waits longest is not first, but who takes it again and again lets those who wait have it too.
 *
 * An open mutex does not keep the process alive, a waiting call does.
 */
export interface Mutex extends Disposable {
  /**
   * Settles when this caller holds it.
   * @throws ERR_IPC_TIMEOUT, the signal's reason, ERR_IPC_CLOSED, ERR_IPC_LIMIT where there can be no thread to wait
   *         with, ERR_IPC_PROTOCOL where another process truncated the memory
   */
  acquire(options?: CallOptions): Promise<Lock>
  /** The lock if it is free and no call of this `Mutex` waits for it, else null. */
  tryAcquire(): Lock | null
  /**
   * As `acquire`, blocking the thread. @throws ERR_IPC_BUSY where this `Mutex` holds it or has calls waiting, since
   * none of them could go on meanwhile
   */
  acquireSync(options?: Timeout): Lock
  /** Runs `body` while holding it, and releases it when what `body` answers has settled. Settles as `body`. */
  withLock<T>(body: (lock: Lock) => T | PromiseLike<T>, options?: CallOptions): Promise<T>
  /**
   * Refuses new calls. Waiting calls of `acquire` reject with ERR_IPC_CLOSED. A lock that is held stays so until
   * it is released, and every `withLock` that was called before runs to its end; with the last of them everything is
   * released. Idempotent.
   */
  close(): void
}

/**
 * Opens a mutex, which exists as long as its lock file or memory.
 *
 * `{ file }` is an open-file-description lock (fcntl_locking(2)) on FILE.lock, made with mode 0600 where it is missing: not
 * on FILE, which may be missing, replaced by another or written by anybody. It is never removed: nobody could do so
 * safely. Who removes it while it is held parts those who hold it from those who come. All must name FILE by the same path.
 *
 * `{ memory, word }` is a robust futex (get_robust_list(2)). Uncontended it costs no system call; it takes one thread as
 * long as it is open. All must see one another's process ids: in another PID namespace the kernel cannot tell them apart.
 * Closing the memory closes the mutex at once; who holds it then counts as dead.
 *
 * @throws ERR_IPC_PERMISSION where FILE.lock is another user's, or the file system read-only; ERR_IPC_UNAVAILABLE on a
 *         network file system, or without the addon; ERR_IPC_VERSION where FILE.lock is no lock file; ERR_IPC_NOT_FOUND
 *         without the folder; ERR_IPC_CLOSED where the memory is; ERR_IPC_LIMIT; TypeError or RangeError on bad arguments
 */
export async function openMutex(where: MutexPlace): Promise<Mutex> {
  if (typeof where === 'object' && where !== null) {
    if ('file' in where) {
      const { exclusion, errors } = openFileLock(where.file)
      return new QueuedMutex(exclusion, errors)
    }
    if ('memory' in where) {
      const { exclusion, errors, memory } = openMemoryLock(where.memory, where.word)
      const mutex = new QueuedMutex(exclusion, errors)
      mutex.closed = memory.onClose(() => mutex.abandon())
      return mutex
    }
  }
  throw new TypeError('a mutex is kept in { file } or in { memory, word }')
}

/** A call that waits. */
interface Waiting {
  readonly resolve: (lock: Lock) => void
  readonly reject: (reason: unknown) => void
  /** Outlives `close`. */
  readonly lasting: boolean
  /** Ends its limits. */
  stop: () => void
}

class HeldLock implements Lock {
  readonly recovered: boolean
  #leave: (() => void) | undefined

  constructor(recovered: boolean, leave: () => void) {
    this.recovered = recovered
    this.#leave = leave
  }

  release(): void {
    const leave = this.#leave
    this.#leave = undefined
    leave?.()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** Serves the calls of this process one after the other; only the first of them waits in the kernel. */
class QueuedMutex implements Mutex {
  /** Called once, when everything is released. */
  closed: () => void = () => {}
  readonly #exclusion: Exclusion
  readonly #errors: ErrorContext
  readonly #queue: Waiting[] = []
  readonly #keepAlive = new KeepAlive()
  #held = false
  #state: 'open' | 'closing' | 'closed' = 'open'

  constructor(exclusion: Exclusion, errors: ErrorContext) {
    this.#exclusion = exclusion
    this.#errors = errors
  }

  async acquire(options: CallOptions = {}): Promise<Lock> {
    return this.#acquire(options, false)
  }

  async withLock<T>(body: (lock: Lock) => T | PromiseLike<T>, options: CallOptions = {}): Promise<T> {
    const lock = await this.#acquire(options, true)
    try {
      return await body(lock)
    } finally {
      lock.release()
    }
  }

  tryAcquire(): Lock | null {
    this.#refuseIfClosed()
    return this.#idle ? this.#take() : null
  }

  acquireSync(options: Timeout = {}): Lock {
    this.#refuseIfClosed()
    checkTimeout(options.timeout)
    if (!this.#idle)
      throw new IpcError('ERR_IPC_BUSY', 'this Mutex holds it or has calls waiting, which would block for ever', this.#errors)
    const begin = performance.now()
    const { timeout = Number.POSITIVE_INFINITY } = options
    for (;;) {
      const lock = this.#politely() ?? this.#block(timeout + begin - performance.now())
      if (lock !== null) return lock
      if (performance.now() - begin >= timeout) throw timeoutError(timeout, this.#errors)
    }
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    for (const waiting of this.#queue.filter(({ lasting }) => !lasting)) this.#giveUp(waiting, this.#closedError())
    this.#closeIfOver()
  }

  /** What it is kept in is gone. */
  abandon(): void {
    this.#state = 'closing'
    for (const waiting of [...this.#queue]) this.#giveUp(waiting, this.#closedError())
    this.#held = false
    this.#closeIfOver()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #closedError(): IpcError {
    return new IpcError('ERR_IPC_CLOSED', 'the mutex is closed', this.#errors)
  }

  #refuseIfClosed(): void {
    if (this.#state !== 'open') throw this.#closedError()
  }

  get #idle(): boolean {
    return !this.#held && this.#queue.length === 0
  }

  #acquire(options: CallOptions, lasting: boolean): Lock | Promise<Lock> {
    this.#refuseIfClosed()
    checkOptions(options)
    const lock = this.#idle ? this.#politely() : null
    if (lock !== null) return lock
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject, lasting, stop: () => {} }
      waiting.stop = limit(options, this.#errors, (reason) => this.#giveUp(waiting, reason))
      this.#queue.push(waiting)
      this.#keepAlive.hold(true)
      this.#serve()
    })
  }

  /** Takes it, if it is free and nobody else waits. */
  #politely(): Lock | null {
    return this.#exclusion.wanted() ? null : this.#take()
  }

  #take(): Lock | null {
    for (;;) {
      const taken = this.#exclusion.take()
      if (taken === -EAGAIN) return null
      const lock = this.#enter(taken)
      if (lock !== null) return lock
    }
  }

  /** null where it must be taken once more. */
  #enter(taken: number): Lock | null {
    const recovered = this.#exclusion.enter(check(taken, this.#exclusion.syscall, this.#errors))
    if (recovered === undefined) return null
    this.#held = true
    return new HeldLock(recovered, () => this.#leave())
  }

  #leave(): void {
    if (this.#state === 'closed') return // abandoned
    try {
      this.#exclusion.leave()
    } finally {
      this.#held = false
      this.#serve()
      this.#closeIfOver()
    }
  }

  /** Blocks this thread: null where the time was over, or where it must be taken once more. */
  #block(timeoutMs: number): Lock | null {
    const waiter = this.#exclusion.waiter(this.#obtained)
    const bounded = timeoutMs !== Number.POSITIVE_INFINITY
    if (!waiter.waitSync(bounded ? Math.max(timeoutMs, 0) : -1)) waiter.stop()
    const taken = waiter.take()
    return taken === -EAGAIN ? null : this.#enter(taken)
  }

  /** The first in the queue takes it, or waits for it. */
  #serve(): void {
    for (let first = this.#queue[0]; first !== undefined && !this.#held; first = this.#queue[0]) {
      if (this.#exclusion.startedWaiter?.busy === true) return
      try {
        const lock = this.#politely()
        if (lock === null) check(this.#exclusion.waiter(this.#obtained).start(), 'epoll_ctl', this.#errors)
        else this.#deliver(first, lock)
      } catch (error) {
        this.#giveUp(first, error)
      }
    }
  }

  /** The waiting thread has an answer. */
  readonly #obtained = (): void => {
    const taken = this.#exclusion.startedWaiter?.take() ?? -EAGAIN
    const [first] = this.#queue
    if (taken === -EAGAIN || first === undefined) return
    try {
      const lock = this.#enter(taken)
      if (lock !== null) this.#deliver(first, lock)
    } catch (error) {
      this.#giveUp(first, error)
    }
    this.#serve()
  }

  #deliver(first: Waiting, lock: Lock): void {
    this.#remove(first)
    first.resolve(lock)
  }

  #giveUp(waiting: Waiting, reason: unknown): void {
    this.#remove(waiting)
    waiting.reject(reason)
    this.#closeIfOver()
  }

  #remove(waiting: Waiting): void {
    waiting.stop()
    this.#queue.splice(this.#queue.indexOf(waiting), 1)
    if (this.#queue.length > 0) return // the thread waits on, for the next
    this.#keepAlive.hold(false)
    const waiter = this.#exclusion.startedWaiter
    waiter?.stop()
    const taken = waiter?.take() ?? -EAGAIN
    if (taken >= 0) this.#exclusion.giveBack(taken)
  }

  #closeIfOver(): void {
    if (this.#state !== 'closing' || !this.#idle) return
    this.#state = 'closed'
    this.#exclusion.close()
    this.closed()
  }
}
