/** A waiting thread of the addon, seen from the event loop. */
import { constants } from 'node:os'
import { native } from './index.js'
import { DescriptorWatcher, EPOLLIN } from './loop.js'

const { EAGAIN, EINPROGRESS, ECANCELED } = constants.errno

/**
 * Owns a native waiter (native.h, "waiting threads"). What a wait obtained, also one that was being
 * stopped, stays until `take`.
 */
export class Waiter {
  /** The native handle. */
  readonly handle: number
  readonly #fd: number
  readonly #watcher: DescriptorWatcher
  readonly #done: () => void
  #running = false
  #kept: number | undefined

  /** `done` runs in the event loop when a wait has ended, until `stop`. */
  constructor(handle: number, done: () => void) {
    this.handle = handle
    this.#done = done
    this.#fd = native.waiterFd(handle)
    this.#watcher = new DescriptorWatcher(this.#fd, done)
  }

  /** Whether the thread is inside a wait, or its result is not taken yet. */
  get busy(): boolean {
    return this.#running || this.#kept !== undefined
  }

  /** A result of a stopped wait is there to take: no `done` will tell. */
  get kept(): boolean {
    return this.#kept !== undefined
  }

  /** Hands the thread a wait, unless the last one's result is still to be taken. 0, or -errno where nothing could tell of its end. */
  start(): number {
    if (this.#kept !== undefined) {
      queueMicrotask(this.#done)
      return 0
    }
    const watched = this.#watcher.want(EPOLLIN)
    if (watched >= 0) this.#begin()
    return Math.min(watched, 0)
  }

  /** After this no wait runs and `done` is not called. */
  stop(): void {
    this.#watcher.want(0)
    if (!this.#running) return
    native.waiterCancel(this.handle)
    const result = native.waiterTake(this.handle)
    this.#running = false
    if (result !== -ECANCELED) this.#kept = result
  }

  /** What the wait answered: >= 0, or -errno; -EAGAIN where there is no result. */
  take(): number {
    if (this.#kept !== undefined) {
      const kept = this.#kept
      this.#kept = undefined
      return kept
    }
    if (!this.#running) return -EAGAIN
    const result = native.waiterTake(this.handle)
    if (result === -EINPROGRESS) return -EAGAIN
    this.#running = false
    return result
  }

  /** Waits on this thread until a wait has ended: true, or false after `timeoutMs` (negative: no limit). */
  waitSync(timeoutMs: number): boolean {
    if (this.#kept !== undefined) return true
    this.#begin()
    return native.fdPoll(this.#fd, EPOLLIN, timeoutMs) !== 0
  }

  /** Stops, joins the thread and frees what it waited with. What was obtained and not taken is lost. */
  close(): void {
    this.#watcher.close()
    native.waiterClose(this.handle)
  }

  #begin(): void {
    if (this.#running) return
    native.waiterStart(this.handle)
    this.#running = true
  }
}
