/** Signals as themselves: taken with their sender and value, and sent to a process and no other. signal(7) */
import { constants } from 'node:os'
import type { CallOptions, Timeout } from '../core/channel.js'
import { check, type ErrorContext, IpcError, systemError, unavailable } from '../core/errors.js'
import { KeepAlive } from '../core/keep-alive.js'
import { checkPid, type ProcessIdentity, processIdentity } from '../core/process-identity.js'
import { checkOptions, checkTimeout, limit, timeoutError } from '../core/wait.js'
import { addonError, native as shared } from '../native/index.js'
import { DescriptorWatcher, EPOLLIN } from '../native/loop.js'
import { native, RECORD_FIELDS } from '../native/signals.js'
import { isRealtime, type SignalName, signalNumber, takenNumber } from './signal-name.js'

const { EAGAIN, EBUSY, EINVAL, ENOENT, EPERM, ESRCH } = constants.errno
const BATCH = 64
/** A sender that never stops shall not keep `close` from its end: no queue of the kernel is commonly longer. */
const MOST_AT_CLOSE = 2 ** 17

export interface SignalInfo {
  readonly name: SignalName
  /** Who sent it; 0 where the kernel did, or does not tell (a standard signal beyond RLIMIT_SIGPENDING). */
  readonly pid: number
  /** The sender's real user. */
  readonly uid: number
  /** What the sender queued with it; undefined of kill(2) and of the kernel. */
  readonly value: number | undefined
}

/** Signals as they come. Any number of calls of `next` and `receive` may wait; they are served in their order. */
export interface Signals extends AsyncIterableIterator<SignalInfo>, Disposable {
  /**
   * The next signal, when there is one; `null` after `close`. One that comes behind the end of this wait is the next call's.
   * @throws ERR_IPC_TIMEOUT, the signal's reason
   */
  receive(options?: CallOptions): Promise<SignalInfo | null>
  /** A signal that has come, if nobody waits here; else `null`. */
  tryReceive(): SignalInfo | null
  /** As `receive`, blocking this thread. @throws ERR_IPC_BUSY while `next` or `receive` wait here; else as `receive` */
  receiveSync(options?: Timeout): SignalInfo | null
  /** As when its loop is left: what came and was not read is dropped. */
  return(): Promise<IteratorResult<SignalInfo>>
  /**
   * Takes no more. What had come before is still there to read; then the iteration ends. From here on signals do what they did
   * before, unless others take them. Idempotent.
   */
  close(): void
  /** While a `next` or `receive` waits the process is kept alive (the default). */
  ref(): this
  unref(): this
}

/**
 * Takes these signals of this process, from the moment of the call until `close`, the end of a loop, or abort.
 *
 * Each is yielded once, in the kernel's order: real-time ones in the order sent (of several numbers the lowest first),
 * all of them; standard ones of a number that are pending at one time are one. What nobody reads stays in a queue
 * of 1024, then in the kernel, whose limit (RLIMIT_SIGPENDING) the sender meets; until then it also stays for others
 * who take the same signal. What came before the end never does what the signal did before.
 *
 * Every iterator of a signal gets it, in every thread, and so do listeners of `process.on`. What the signal does by
 * default (to end the process, mostly) it does not do. Not taken is what is sent to one thread, as by raise(3).
 * While anybody takes a signal, it is blocked in all threads of this process; child processes of Node begin unblocked.
 *
 * Cannot be taken: SIGKILL and SIGSTOP; what a thread's own fault or failed write raises; SIGUSR1 (Node's inspector),
 * SIGPROF (V8's profiler); SIGSTKFLT, SIGURG, SIGRTMIN+5 and SIGRTMIN+6 (this library's).
 *
 * @throws at the call: TypeError, RangeError for what is no signal or cannot be taken; ERR_IPC_BUSY while a channel of this process is
 *         over the signal; ERR_IPC_LIMIT; ERR_IPC_UNAVAILABLE; the reason of an `AbortSignal` that
 *         is aborted. Once it aborts, `next` and `receive` reject with the reason.
 */
export function signals(names: readonly SignalName[], options: { signal?: AbortSignal | undefined } = {}): Signals {
  if (!Array.isArray(names) || names.length === 0) throw new TypeError("names must be an array such as ['SIGTERM', 'SIGRTMIN+1']")
  if (addonError !== undefined) throw unavailable(addonError)
  const byNumber = new Map(names.map((name) => [takenNumber(name), name]))
  options.signal?.throwIfAborted()
  return new SignalIterator(byNumber, options.signal)
}

interface Waiting {
  resolve(come: SignalInfo | null): void
  reject(error: unknown): void
}

const done = { value: undefined, done: true } as const

class SignalIterator implements Signals {
  readonly #names: ReadonlyMap<number, SignalName>
  readonly #errors: ErrorContext
  readonly #taker: number
  readonly #watcher: DescriptorWatcher
  readonly #abort: AbortSignal | undefined
  readonly #keepAlive = new KeepAlive()
  readonly #records = new Int32Array(BATCH * RECORD_FIELDS)
  readonly #waiting: Waiting[] = []
  /** Taken and not yet read. */
  #come: SignalInfo[] = []
  #open = true
  #failed: { reason: unknown } | undefined
  #ref = true

  constructor(names: ReadonlyMap<number, SignalName>, abort: AbortSignal | undefined) {
    const errors: ErrorContext = { address: [...names.values()].join(', ') }
    this.#names = names
    this.#errors = errors
    const taker = native.signalsOpen(Uint8Array.from(names.keys()))
    if (taker === -EBUSY)
      throw new IpcError('ERR_IPC_BUSY', 'a signal channel of this process is over one of these; close it first', errors)
    if (taker === -EAGAIN) throw new IpcError('ERR_IPC_LIMIT', 'no thread can be started; raise `ulimit -u`', errors)
    this.#taker = check(taker, 'eventfd', errors)
    this.#watcher = new DescriptorWatcher(native.signalsFd(this.#taker), () => this.#serve())
    this.#abort = abort
    abort?.addEventListener('abort', this.#aborted, { once: true })
  }

  readonly #aborted = (): void => {
    this.#come = []
    this.#release()
    this.#failed = { reason: this.#abort?.reason }
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failed.reason)
  }

  async next(): Promise<IteratorResult<SignalInfo>> {
    const value = await this.receive()
    return value === null ? done : { value, done: false }
  }

  async receive(options: CallOptions = {}): Promise<SignalInfo | null> {
    checkOptions(options)
    const come = this.tryReceive()
    if (come !== null) return come
    if (this.#failed !== undefined) throw this.#failed.reason
    if (!this.#open) return null
    return new Promise((resolve, reject) => {
      const watched = this.#watcher.want(EPOLLIN)
      if (watched < 0) return reject(systemError(watched, 'epoll_ctl', this.#errors))
      const stop = limit(options, this.#errors, (reason) => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        this.#rest()
        reject(reason)
      })
      const waiting: Waiting = {
        resolve: (value) => {
          stop()
          resolve(value)
        },
        reject: (reason) => {
          stop()
          reject(reason)
        },
      }
      this.#waiting.push(waiting)
      this.#keepAlive.hold(this.#ref)
    })
  }

  tryReceive(): SignalInfo | null {
    return this.#waiting.length === 0 ? (this.#take() ?? null) : null
  }

  receiveSync({ timeout }: Timeout = {}): SignalInfo | null {
    checkTimeout(timeout)
    if (this.#waiting.length > 0) throw new IpcError('ERR_IPC_BUSY', 'calls of next or receive wait here, and come first', this.#errors)
    const deadline = performance.now() + (timeout ?? 0)
    for (;;) {
      const come = this.#take()
      if (come !== undefined) return come
      if (this.#failed !== undefined) throw this.#failed.reason
      if (!this.#open) return null
      const left = timeout === undefined ? -1 : Math.max(0, deadline - performance.now())
      const ready = shared.fdPoll(native.signalsFd(this.#taker), EPOLLIN, left)
      if (ready < 0) throw systemError(ready, 'poll', this.#errors)
      if (ready === 0 && timeout !== undefined) throw timeoutError(timeout, this.#errors)
    }
  }

  /** The next that has come, from the queue only when there is nothing of it here: what is not read is left to the kernel. */
  #take(): SignalInfo | undefined {
    if (this.#come.length === 0 && this.#open) this.#fetch(native.signalsTake(this.#taker, this.#records))
    return this.#come.shift()
  }

  #fetch(count: number): void {
    for (let i = 0; i < count; i++) {
      const [number = 0, pid = 0, uid = 0, value, hasValue] = this.#records.subarray(i * RECORD_FIELDS, (i + 1) * RECORD_FIELDS)
      const name = this.#names.get(number)
      if (name !== undefined) this.#come.push(Object.freeze({ name, pid, uid: uid >>> 0, value: hasValue === 1 ? value : undefined }))
    }
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const value = this.#take()
      if (value === undefined) break
      this.#waiting.shift()?.resolve(value)
    }
    this.#rest()
  }

  /** Nobody waits any more: nothing is watched, and nothing kept alive. */
  #rest(): void {
    if (this.#waiting.length > 0) return
    this.#watcher.want(0)
    this.#keepAlive.hold(false)
  }

  close(): void {
    if (!this.#open) return
    for (let count = 1, all = 0; count > 0 && all < MOST_AT_CLOSE; all += count) {
      count = native.signalsDrain(this.#taker, this.#records)
      this.#fetch(count)
    }
    this.#release()
    while (this.#waiting.length > 0) {
      const value = this.#come.shift() ?? null
      this.#waiting.shift()?.resolve(value)
    }
  }

  #release(): void {
    if (!this.#open) return
    this.#open = false
    this.#abort?.removeEventListener('abort', this.#aborted)
    this.#keepAlive.hold(false)
    this.#watcher.close()
    native.signalsClose(this.#taker)
  }

  async return(): Promise<IteratorResult<SignalInfo>> {
    this.#release()
    this.#come = []
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(null)
    return done
  }

  ref(): this {
    this.#ref = true
    this.#keepAlive.hold(this.#waiting.length > 0)
    return this
  }

  unref(): this {
    this.#ref = false
    this.#keepAlive.hold(false)
    return this
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Sends a signal to a process, as kill(2), or with a value as sigqueue(3). Returns when it is pending there (or has ended a
 * wait, or the process); whether it is ever taken is not told.
 *
 * The signal goes through a pidfd, to the process that had the pid at the call. Whether that is still the process
 * that the caller means, a bare pid cannot say: pids are used again. A `ProcessIdentity`, taken while it was known to
 * live, is checked after the pidfd was opened, so that the signal reaches that process or none.
 *
 * `value` is a 32-bit integer with a sign. A real-time signal is always queued with one, 0 where none is given: without, the
 * kernel would drop what it has no room for and not say so. Standard signals of one number merge while one is pending.
 *
 * @throws ERR_IPC_NOT_FOUND (it has ended, or another process has its pid), ERR_IPC_PERMISSION (another user's),
 *         ERR_IPC_FULL (RLIMIT_SIGPENDING of the receiver's user), ERR_IPC_LIMIT, ERR_IPC_UNAVAILABLE (Linux before 5.3);
 *         TypeError, RangeError
 */
export function sendSignal(target: number | ProcessIdentity, name: SignalName, value?: number): void {
  const pid = checkPid(typeof target === 'object' && target !== null ? target.pid : target)
  if (addonError !== undefined) throw unavailable(addonError)
  const number = signalNumber(name)
  checkValue(value)
  const errors: ErrorContext = { address: `process ${pid}` }
  const fd = shared.pidfdOpen(pid)
  // A thread's number is no process's: EINVAL, or in later kernels ENOENT.
  if (fd === -EINVAL || fd === -ENOENT) throw systemError(ESRCH, 'pidfd_open', errors)
  check(fd, 'pidfd_open', errors)
  try {
    if (typeof target === 'object' && processIdentity(pid).started !== target.started)
      throw systemError(ESRCH, 'pidfd_open', errors, 'that process has ended, and another has its pid')
    const queued = value !== undefined || isRealtime(number)
    const sent = native.pidfdSendSignal(fd, number, queued ? 1 : 0, value ?? 0)
    if (sent === -EAGAIN)
      throw new IpcError('ERR_IPC_FULL', "the receiver's user has as many signals pending as `ulimit -i` allows", {
        ...errors,
        errno: sent,
        syscall: 'pidfd_send_signal',
      })
    if (sent === -EPERM) throw systemError(sent, 'pidfd_send_signal', errors, 'a process may signal those of its own user alone')
    check(sent, 'pidfd_send_signal', errors)
  } finally {
    shared.fdClose(fd)
  }
}

function checkValue(value: number | undefined): void {
  if (value === undefined) return
  if (typeof value !== 'number') throw new TypeError(`value must be a number, not ${JSON.stringify(value)}`)
  if ((value | 0) !== value) throw new RangeError(`value must be an integer of 32 bits with a sign, not ${value}`)
}
