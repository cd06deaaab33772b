/** Waiting for what another process does to shared memory: look, spin a little, then sleep on the bell. */
import { availableParallelism } from 'node:os'
import { type Endpoint, READABLE, WRITABLE } from '../../core/adapter.js'
import { type Credentials, Result } from '../../core/channel.js'
import { type ErrorContext, IpcError } from '../../core/errors.js'
import type { Bell } from './bell.js'

/** About 20 µs: longer than a sleeping peer takes to wake, so that two that talk fast get to spin together. */
const SPINS = 1500
/** After a spin for nothing this many waits sleep at once, doubling with each spin for nothing. */
const LONGEST_PAUSE = 64
/** What was ready by spinning is told in a microtask; after this many the event loop gets its turn. */
const LONGEST_STREAK = 64

/** Spinning pays only while the peer runs on another processor and answers fast. */
class Spinner {
  #pause = 0
  #misses = 0
  #alone = availableParallelism() < 2

  /** Calls `ready` until it answers something; what it answered. */
  until(ready: () => number): number {
    if (this.#pause > 0) {
      this.#pause--
      return ready()
    }
    const rounds = this.#alone ? 1 : SPINS
    for (let i = 0; i < rounds; i++) {
      const mask = ready()
      if (mask === 0) continue
      this.#misses = 0
      return mask
    }
    this.#pause = Math.min(2 ** this.#misses++, LONGEST_PAUSE)
    if (this.#pause === LONGEST_PAUSE) this.#alone = availableParallelism() < 2
    return 0
  }
}

export abstract class SleepingEndpoint implements Endpoint {
  error: IpcError | undefined
  peer: Credentials | undefined
  onReady: (ready: number) => void = () => {}
  protected readonly bell: Bell
  readonly #words: Int32Array
  readonly #word: number
  readonly #context: ErrorContext
  readonly #spinner = new Spinner()
  readonly #reads = () => this.#possible(READABLE)
  readonly #writes = () => this.#possible(WRITABLE)
  readonly #either = () => this.#possible(READABLE | WRITABLE)
  #interest = 0
  #streak = 0
  #scheduled = false
  #closed = false

  /** `words[word]` is this side's bell. Owns `bell`. */
  constructor(bell: Bell, words: Int32Array, word: number, context: ErrorContext) {
    this.bell = bell
    this.#words = words
    this.#word = word
    this.#context = context
    bell.onRung = () => {
      this.#streak = 0
      this.#look()
    }
  }

  abstract trySend(data: Uint8Array, priority: number): number
  abstract tryReceiveInto(target: Uint8Array): number
  abstract end(): void
  /** 0 where a call would tell something, else WOULD_BLOCK or what it would tell. */
  protected abstract readable(): number
  protected abstract writable(): number
  /** Tells the peer, and releases the memory. The bell is closed in between. */
  protected abstract leave(): void
  protected abstract release(): void

  protected failed(violation: string | undefined): number {
    this.error ??= new IpcError('ERR_IPC_PROTOCOL', violation ?? 'the peer broke the layout', this.#context)
    return Result.FAILED
  }

  #possible(interest: number): number {
    if (this.bell.peerGone) return interest
    let ready = 0
    if (interest & READABLE && this.readable() !== Result.WOULD_BLOCK) ready |= READABLE
    if (interest & WRITABLE && this.writable() !== Result.WOULD_BLOCK) ready |= WRITABLE
    return ready
  }

  #spin(interest: number): number {
    return this.#spinner.until(interest === READABLE ? this.#reads : interest === WRITABLE ? this.#writes : this.#either)
  }

  watch(interest: number): void {
    this.#interest = interest
    if (interest === 0 || this.#scheduled) return
    if (this.#spin(interest) !== 0) {
      this.#schedule()
      return
    }
    const value = Atomics.or(this.#words, this.#word, interest) | interest
    if (this.#possible(interest) !== 0) this.#schedule()
    else this.bell.listen(value)
  }

  #schedule(): void {
    this.#scheduled = true
    if (++this.#streak % LONGEST_STREAK === 0) setImmediate(this.#tell)
    else queueMicrotask(this.#tell)
  }

  readonly #tell = () => {
    this.#scheduled = false
    this.#look()
  }

  #look(): void {
    if (this.#closed || this.#scheduled || this.#interest === 0) return
    const ready = this.#possible(this.#interest)
    if (ready === 0) this.watch(this.#interest)
    else this.onReady(ready)
  }

  waitSync(interest: number, timeoutMs: number): number {
    const ready = this.#spin(interest)
    if (ready !== 0 || timeoutMs === 0) return ready
    const value = Atomics.or(this.#words, this.#word, interest) | interest
    if (this.#possible(interest) === 0) this.bell.sleep(value, timeoutMs)
    return this.#possible(interest)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.leave()
    this.bell.close()
    this.release()
  }
}
