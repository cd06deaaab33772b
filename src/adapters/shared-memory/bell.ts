/** How a side that sleeps on shared memory is woken, by mechanism. */
import { constants } from 'node:os'
import { READABLE, WRITABLE } from '../../core/adapter.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { DescriptorWatcher, EPOLLIN, EPOLLRDHUP } from '../../native/loop.js'
import { type Mapping, native } from '../../native/memory.js'
import { BLOCKED, type Watched } from './ring-buffer.js'

const { EPIPE, EBUSY } = constants.errno
const RETRY_MS = 1

/** What `wait` answers; -EPIPE is `GONE`. */
export const Waited = { TIMED_OUT: 0, CHANGED: 1, CHANGED_LATE: 2, GONE: -EPIPE } as const

/**
 * Each side has a bell: a word of the segment that is not zero while the side sleeps (or is about to), and
 * then tells what it sleeps for and how it is to be woken. Who finds it set zeroes it and then calls `ring`.
 */
export interface Bell {
  /** Called in the event loop when this side's bell was rung, perhaps for nothing, or the peer is gone. */
  onRung: () => void
  /** The kernel told that the peer is gone. */
  readonly peerGone: boolean
  /** How many times as long as a blocked thread an event loop takes to wake. */
  readonly loopFactor: number
  /** Wakes the peer, whose bell said `how`. */
  ring(how: number): void
  /** `onRung` shall be called when the bell, now `value` (LISTENING included), is rung. */
  listen(value: number): void
  /**
   * Waits on this thread until an index of `interest` is not what was seen, or its peer has ended or is gone: looks
   * `turns` times, then sleeps for at most `timeoutMs` (0: never, negative: no limit). One of `Waited`.
   */
  wait(interest: number, seenIn: number, seenOut: number, turns: number, timeoutMs: number): number
  close(): void
}

/** Between two processes: a blocked side is woken by a futex on its bell; how an event loop is, differs. */
abstract class ProcessBell implements Bell {
  onRung: () => void = () => {}
  peerGone = false
  abstract readonly loopFactor: number
  readonly #bell: number
  readonly #lifeWatcher: DescriptorWatcher | undefined
  /** What wakes this side's blocked thread at the peer's end; undefined until it first blocks. */
  #guard: number | undefined

  /** Uses, but does not own, the descriptors (each may be -1) and the mapping, which must be closed after this. */
  constructor(mapping: Mapping, watched: Watched, eventFd: number, lifeFd: number, errors: ErrorContext) {
    const { bell, peersBell, incoming, incomingEnd, outgoing, outgoingEnd } = watched
    const offsets = Int32Array.of(bell, peersBell, incoming, incomingEnd, outgoing, outgoingEnd).map((word) => 4 * word)
    this.#bell = check(native.bellOpen(mapping.handle, offsets, eventFd, lifeFd), 'futex', errors)
    if (lifeFd < 0) {
      this.#guard = -1
      return
    }
    this.#lifeWatcher = new DescriptorWatcher(lifeFd, () => this.#lost())
    this.#lifeWatcher.want(EPOLLIN | EPOLLRDHUP)
  }

  abstract listen(value: number): void

  ring(how: number): void {
    native.bellRing(this.#bell, how)
  }

  wait(interest: number, seenIn: number, seenOut: number, turns: number, timeoutMs: number): number {
    if (this.#guard === undefined && timeoutMs !== 0) {
      this.#guard = native.bellGuard(this.#bell)
      if (this.#guard >= 0) native.waiterStart(this.#guard)
    }
    const waited = native.bellWait(this.#bell, interest, seenIn, seenOut, turns, timeoutMs)
    if (waited === Waited.GONE) this.#lost()
    return waited
  }

  #lost(): void {
    if (this.peerGone) return
    this.peerGone = true
    this.#lifeWatcher?.want(0)
    this.onRung()
  }

  close(): void {
    this.onRung = () => {}
    this.#lifeWatcher?.close()
    if (this.#guard !== undefined && this.#guard >= 0) native.waiterClose(this.#guard)
    native.bellClose(this.#bell)
  }
}

/** An eventfd a side, and the socket over which they came: its end is the peer's. */
export class EventfdBell extends ProcessBell {
  readonly loopFactor = 1
  readonly #watcher: DescriptorWatcher
  readonly #descriptors: readonly number[]

  /** Owns the three descriptors, once made. */
  constructor(mapping: Mapping, watched: Watched, mine: number, peers: number, lifeline: number, errors: ErrorContext) {
    super(mapping, watched, peers, lifeline, errors)
    this.#descriptors = [mine, peers, lifeline]
    this.#watcher = new DescriptorWatcher(mine, () => {
      native.eventfdTake(mine)
      this.onRung()
    })
  }

  listen(): void {
    this.#watcher.want(EPOLLIN)
  }

  override close(): void {
    super.close()
    this.#watcher.close()
    for (const fd of this.#descriptors) native.fdClose(fd)
  }
}

/** The event loop waits for the futex through a thread. The peer's end is told by its pidfd. */
export class FutexBell extends ProcessBell {
  readonly loopFactor = 4
  readonly #mapping: Mapping
  readonly #mine: number
  readonly #pidfd: number
  #waiter: { readonly handle: number; readonly watcher: DescriptorWatcher } | undefined

  /** Owns the pidfd (-1: the peer's end is not told), once made. */
  constructor(mapping: Mapping, watched: Watched, pidfd: number, errors: ErrorContext) {
    super(mapping, watched, -1, pidfd, errors)
    this.#mapping = mapping
    this.#mine = 4 * watched.bell
    this.#pidfd = pidfd
  }

  listen(value: number): void {
    this.#waiter ??= this.#openWaiter()
    if (this.#waiter === undefined) return
    const { handle } = this.#waiter
    // A wait that runs already is woken by the same ring.
    if (native.futexWaiterAim(handle, this.#mine, value) !== -EBUSY) native.waiterStart(handle)
  }

  #openWaiter() {
    const handle = native.futexWaiterOpen(this.#mapping.handle)
    if (handle < 0) {
      // Without a thread the loop still gets on, by looking again.
      setTimeout(() => this.onRung(), RETRY_MS).unref()
      return undefined
    }
    const watcher = new DescriptorWatcher(native.waiterFd(handle), () => {
      native.waiterTake(handle)
      this.onRung()
    })
    watcher.want(EPOLLIN)
    return { handle, watcher }
  }

  override close(): void {
    this.#waiter?.watcher.close()
    if (this.#waiter !== undefined) native.waiterClose(this.#waiter.handle)
    super.close()
    if (this.#pidfd >= 0) native.fdClose(this.#pidfd)
  }
}

/** `Atomics.waitAsync` of ECMAScript 2024, which Node 20 has. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(words: Int32Array, index: number, value: number): { async: false } | { async: true; value: Promise<unknown> }
}

/** Between two threads: Atomics.wait and notify. Whether the other thread lives is for others to tell. */
export class AtomicsBell implements Bell {
  onRung: () => void = () => {}
  readonly peerGone = false
  readonly loopFactor = 1
  readonly #words: Int32Array
  readonly #watched: Watched
  #listening = false

  constructor(words: Int32Array, watched: Watched) {
    this.#words = words
    this.#watched = watched
  }

  ring(): void {
    Atomics.notify(this.#words, this.#watched.peersBell)
  }

  listen(value: number): void {
    if (this.#listening) return
    const waiting = waitAsync(this.#words, this.#watched.bell, value)
    this.#listening = true
    const rung = () => {
      this.#listening = false
      this.onRung()
    }
    if (waiting.async) waiting.value.then(rung)
    else setImmediate(rung)
  }

  wait(interest: number, seenIn: number, seenOut: number, turns: number, timeoutMs: number): number {
    for (let turn = 0; turn < turns; turn++) if (this.#changed(interest, seenIn, seenOut)) return Waited.CHANGED
    if (timeoutMs === 0) return Waited.TIMED_OUT
    const { bell } = this.#watched
    const end = timeoutMs < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
    const bits = interest | BLOCKED
    for (;;) {
      const value = Atomics.or(this.#words, bell, bits) | bits
      if (this.#changed(interest, seenIn, seenOut)) return Waited.CHANGED_LATE
      const left = end - performance.now()
      if (left <= 0) return Waited.TIMED_OUT
      Atomics.wait(this.#words, bell, value, left)
    }
  }

  #changed(interest: number, seenIn: number, seenOut: number): boolean {
    const { incoming, incomingEnd, outgoing, outgoingEnd } = this.#watched
    const words = this.#words
    return (
      ((interest & READABLE) !== 0 && (Atomics.load(words, incoming) !== seenIn || Atomics.load(words, incomingEnd) !== 0)) ||
      ((interest & WRITABLE) !== 0 && (Atomics.load(words, outgoing) !== seenOut || Atomics.load(words, outgoingEnd) !== 0))
    )
  }

  close(): void {
    this.onRung = () => {}
    Atomics.store(this.#words, this.#watched.bell, 0)
    Atomics.notify(this.#words, this.#watched.bell)
  }
}
