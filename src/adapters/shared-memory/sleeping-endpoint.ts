/** Waiting for what another process does to shared memory: look, spin a little, then sleep on the bell. */
import { availableParallelism } from 'node:os'
import { type Endpoint, READABLE, WRITABLE } from '../../core/adapter.js'
import { type Credentials, Result } from '../../core/channel.js'
import { type ErrorContext, IpcError } from '../../core/errors.js'
import { addonError, native } from '../../native/index.js'
import { type Bell, Waited } from './bell.js'
import { LISTENING } from './ring-buffer.js'

/** About 40 µs: longer than a sleeping thread takes to wake, so that two that talk fast get to spin together. */
const TURNS = 1000
/** After a spin for nothing this many waits sleep at once, doubling with each spin for nothing. */
const LONGEST_PAUSE = 64
/** After lingering so often the event loop gets its turn: what is there at once is told in microtasks. */
const LONGEST_STREAK = 512
const MOST_PROCESSORS = 1024
/** A peer that answers at once is seen before a call of the addon has begun. */
const FIRST_LOOKS = 100

const NO_PROCESSOR = -1
const SEVERAL = -2
const processors = new Int32Array(MOST_PROCESSORS)

/** The one processor that the process may use; SEVERAL, or none where that cannot be known. */
function onlyProcessor(pid: number): number {
  const count = native.schedGetAffinity(pid, processors)
  if (count > 1) return SEVERAL
  return count === 1 ? (processors[0] as number) : NO_PROCESSOR
}

/** Whether both sides can run at the same moment. sched_getaffinity(2) */
function apart(peer: number | undefined): boolean {
  if (peer === undefined || addonError !== undefined) return availableParallelism() > 1
  const own = onlyProcessor(0)
  const other = onlyProcessor(peer)
  return own === SEVERAL || other === SEVERAL || (own >= 0 && other >= 0 && own !== other)
}

/** Spinning pays only while the peer runs on another processor and answers fast. */
class Spinner {
  readonly #apart: () => boolean
  #pays: boolean | undefined
  #pause = 0
  #misses = 0

  /** `apart` is asked at first, and again now and then while nothing is won by spinning. */
  constructor(apart: () => boolean) {
    this.#apart = apart
  }

  /** How often the next wait shall look before it sleeps: `most`, or never. */
  turns(most: number): number {
    if (this.#pause > 0) {
      this.#pause--
      return 0
    }
    this.#pays ??= this.#apart()
    if (this.#pays) return most
    this.#pause = LONGEST_PAUSE
    this.#pays = undefined
    return 0
  }

  /** Whether looking so often was enough. */
  learn(enough: boolean): void {
    if (enough) {
      this.#misses = 0
      return
    }
    this.#pause = Math.min(2 ** this.#misses++, LONGEST_PAUSE)
    if (this.#pause === LONGEST_PAUSE) this.#pays = undefined
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
  readonly #spinner = new Spinner(() => apart(this.peer?.pid))
  #interest = 0
  #streak = 0
  /** `linger` gave way to the event loop, not to a peer that is slow. */
  #yielding = false
  #scheduled = false
  #closed = false

  /** `words[word]` is this side's bell. Owns `bell`. */
  constructor(bell: Bell, words: Int32Array, word: number, context: ErrorContext) {
    this.bell = bell
    this.#words = words
    this.#word = word
    this.#context = context
    bell.onRung = () => {
      if (bell.peerGone) this.lost()
      this.#look()
    }
  }

  abstract trySend(data: Uint8Array, priority: number): number
  abstract tryReceiveInto(target: Uint8Array): number
  abstract end(): void
  /** The peer is gone: nothing can be sent any more. */
  protected abstract lost(): void
  /** 0 where a call would tell something, else WOULD_BLOCK or what it would tell. */
  protected abstract readable(): number
  protected abstract writable(): number
  /** The value up to which this side has used the index that the bell watches, in and out. */
  protected abstract seenIn(): number
  protected abstract seenOut(): number
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

  linger(interest: number): boolean {
    if (this.bell.peerGone) return true
    this.#yielding = ++this.#streak % LONGEST_STREAK === 0
    return !this.#yielding && this.#spin(interest)
  }

  /** For who has an event loop, and a peer that is likely to have one. */
  #spin(interest: number): boolean {
    return this.#wait(interest, TURNS * this.bell.loopFactor, 0) !== Waited.TIMED_OUT
  }

  #wait(interest: number, most: number, timeoutMs: number): number {
    const turns = this.#spinner.turns(most)
    if (turns > 0) {
      for (let i = 0; i < FIRST_LOOKS; i++)
        if (this.#possible(interest) !== 0) {
          this.#spinner.learn(true)
          return Waited.CHANGED
        }
    } else if (timeoutMs === 0) return Waited.TIMED_OUT
    const waited = this.bell.wait(interest, this.seenIn(), this.seenOut(), turns, timeoutMs)
    if (turns > 0) this.#spinner.learn(waited === Waited.CHANGED)
    return waited
  }

  watch(interest: number): void {
    this.#interest = interest
    if (interest === 0 || this.#scheduled) return
    const bits = interest | LISTENING
    if (this.#yielding && this.#spin(interest)) this.#schedule()
    else {
      const value = Atomics.or(this.#words, this.#word, bits) | bits
      if (this.#possible(interest) === 0) this.bell.listen(value)
      else this.#schedule()
    }
    this.#yielding = false
  }

  #schedule(): void {
    this.#scheduled = true
    setImmediate(this.#tell)
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
    if (this.bell.peerGone || (interest & WRITABLE && this.writable() !== Result.WOULD_BLOCK)) return interest
    const waited = this.#wait(interest, TURNS, timeoutMs)
    return waited === Waited.TIMED_OUT ? 0 : interest
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.leave()
    this.bell.close()
    this.release()
  }
}
