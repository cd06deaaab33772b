/** What the kinds of semaphores have in common: a count to take from and to give to, shared with other processes. */
import { constants } from 'node:os'
import type { Create } from '../core/channel.js'
import { checkThread, type ErrorContext, IpcError, systemError } from '../core/errors.js'
import { Waiter } from '../native/waiter.js'

const { EAGAIN, EIDRM, EINVAL, EOVERFLOW, ERANGE, ETIMEDOUT } = constants.errno

/** How a semaphore is opened, checked. */
export interface Opening {
  /** Without a slash. */
  readonly name: string
  readonly permits: number
  readonly create: Create
  readonly mode: number
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly errors: ErrorContext
}

/** A semaphore of one kind. What it answers is about this moment: other processes take and give meanwhile. */
export interface Tokens {
  /** What a killed process had taken comes back. */
  readonly crashSafe: boolean
  /** Takes one if there is one. */
  tryTake(): boolean
  /** Takes one, blocking this thread; false after `timeoutMs` (negative: no limit). */
  takeSync(timeoutMs: number): boolean
  /** Takes one when there is one, then calls `ended` once, with an error where that failed; never before it returns. */
  startTaking(ended: (error?: unknown) => void): void
  /** `ended` is not called any more. True where one was taken at the last moment. */
  stopTaking(): boolean
  /**
   * Gives back one that was taken. A count that others have posted to its maximum stays there, as when the kernel
   * gives back for a killed holder; of what was removed there is nothing to give back to.
   */
  giveBack(): void
  /** Gives what nobody had taken. */
  post(count: number): void
  unlink(): void
  /** Nothing may be taken, or be about to be. */
  close(): void
}

export const differentPermits = (theirs: number, ours: number, errors: ErrorContext): IpcError =>
  new IpcError('ERR_IPC_VERSION', `it was made with ${theirs} permits, not ${ours}; all who open it must say the same`, errors)

/** The error for a system call on a semaphore. */
export function tokenError(result: number, syscall: string, errors: ErrorContext): IpcError {
  // A removed set is told by EIDRM to those inside, and by EINVAL to those who come later.
  if (result === -EINVAL || result === -EIDRM) return systemError(-EIDRM, syscall, errors, 'the semaphore was removed')
  if (result !== -EOVERFLOW && result !== -ERANGE) return systemError(result, syscall, errors)
  const code = 'ERR_IPC_LIMIT'
  return new IpcError(code, `the count would pass the maximum of this kind of semaphore (${syscall})`, {
    ...errors,
    errno: result,
    syscall,
  })
}

/** Throws for a system call that gives back; see `Tokens.giveBack`. */
export function checkGivenBack(result: number, syscall: string, errors: ErrorContext): void {
  if (result < 0 && ![-EINVAL, -EIDRM, -EOVERFLOW, -ERANGE].includes(result)) throw tokenError(result, syscall, errors)
}

/** Whether one was taken, by what the system call answered. */
export function taken(result: number, syscall: string, errors: ErrorContext): boolean {
  if (result === -EAGAIN || result === -ETIMEDOUT) return false
  if (result < 0) throw tokenError(result, syscall, errors)
  return true
}

/** A thread that takes a token, for semaphores that poll(2) cannot watch. */
export class TakingThread {
  readonly #open: () => number
  readonly #syscall: string
  readonly #errors: ErrorContext
  #waiter: Waiter | undefined
  #ended: (error?: unknown) => void = () => {}

  /** `open` answers a native waiter, or -errno. */
  constructor(open: () => number, syscall: string, errors: ErrorContext) {
    this.#open = open
    this.#syscall = syscall
    this.#errors = errors
  }

  start(ended: (error?: unknown) => void): void {
    this.#ended = ended
    this.#waiter ??= new Waiter(checkThread(this.#open(), this.#errors), () => this.#done())
    const started = this.#waiter.start()
    if (started < 0) throw systemError(started, 'epoll_ctl', this.#errors)
  }

  #done(): void {
    const result = this.#waiter?.take() ?? -EAGAIN
    if (result === -EAGAIN) return // still inside
    this.#ended(result < 0 ? tokenError(result, this.#syscall, this.#errors) : undefined)
  }

  stop(): boolean {
    this.#waiter?.stop()
    return this.#waiter?.take() === 0
  }

  close(): void {
    this.#waiter?.close()
  }
}
