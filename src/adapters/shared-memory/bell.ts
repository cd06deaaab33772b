/** How a side that sleeps on shared memory is woken, by mechanism. */
import { constants } from 'node:os'
import { DescriptorWatcher, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from '../../native/loop.js'
import { EVERYBODY, type Mapping, native } from '../../native/memory.js'
import { bellOf } from './ring-buffer.js'

const { EPIPE, EBUSY } = constants.errno
const RETRY_MS = 1

/**
 * Each side has a bell: a word of the segment that is not zero while the side sleeps (or is about to).
 * Who finds it set zeroes it and then calls `ring`.
 */
export interface Bell {
  /** Called in the event loop when this side's bell was rung, perhaps for nothing, or the peer is gone. */
  onRung: () => void
  /** The kernel told that the peer is gone. */
  readonly peerGone: boolean
  /** Wakes the peer. */
  ring(): void
  /** `onRung` shall be called when the bell, now `value`, is rung. */
  listen(value: number): void
  /** Blocks until the bell, now `value`, is rung, the peer is gone, or the time is over (negative: never). */
  sleep(value: number, timeoutMs: number): void
  close(): void
}

/** An eventfd a side, and the socket over which they came: its end is the peer's. */
export class EventfdBell implements Bell {
  onRung: () => void = () => {}
  peerGone = false
  readonly #mine: number
  readonly #peers: number
  readonly #lifeline: number
  readonly #watcher: DescriptorWatcher
  readonly #lifelineWatcher: DescriptorWatcher

  /** Owns all three. */
  constructor(mine: number, peers: number, lifeline: number) {
    this.#mine = mine
    this.#peers = peers
    this.#lifeline = lifeline
    this.#watcher = new DescriptorWatcher(mine, () => {
      native.eventfdTake(mine)
      this.onRung()
    })
    this.#lifelineWatcher = new DescriptorWatcher(lifeline, () => this.#lost())
    this.#lifelineWatcher.want(EPOLLRDHUP | EPOLLHUP)
  }

  ring(): void {
    native.eventfdSignal(this.#peers)
  }

  listen(): void {
    this.#watcher.want(EPOLLIN)
  }

  sleep(_value: number, timeoutMs: number): void {
    if (native.eventfdWait(this.#mine, this.#lifeline, timeoutMs) === -EPIPE) this.#lost()
  }

  #lost(): void {
    if (this.peerGone) return
    this.peerGone = true
    this.#lifelineWatcher.want(0)
    this.onRung()
  }

  close(): void {
    this.#watcher.close()
    this.#lifelineWatcher.close()
    for (const fd of [this.#mine, this.#peers, this.#lifeline]) native.fdClose(fd)
  }
}

/** A futex on the bell itself; the event loop waits through a thread. The peer's end is told by its pidfd. */
export class FutexBell implements Bell {
  onRung: () => void = () => {}
  peerGone = false
  readonly #mapping: Mapping
  readonly #mine: number
  readonly #peers: number
  readonly #pidfd: number
  readonly #lifeWatcher: DescriptorWatcher | undefined
  #waiter: { readonly handle: number; readonly watcher: DescriptorWatcher } | undefined
  #closed = false

  /** Owns the pidfd (-1: the peer's end is not told), not the mapping, which must be closed after this. */
  constructor(mapping: Mapping, side: number, pidfd: number) {
    this.#mapping = mapping
    this.#mine = 4 * bellOf(side)
    this.#peers = 4 * bellOf(1 - side)
    this.#pidfd = pidfd
    if (pidfd < 0) return
    this.#lifeWatcher = new DescriptorWatcher(pidfd, () => this.#lost())
    this.#lifeWatcher.want(EPOLLIN)
  }

  ring(): void {
    native.futexWake(this.#mapping.handle, this.#peers, EVERYBODY)
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

  sleep(value: number, timeoutMs: number): void {
    if (native.futexWait(this.#mapping.handle, this.#mine, value, timeoutMs, this.#pidfd) === -EPIPE) this.#lost()
  }

  #lost(): void {
    if (this.peerGone || this.#closed) return
    this.peerGone = true
    this.#lifeWatcher?.want(0)
    this.onRung()
  }

  close(): void {
    this.#closed = true
    this.#waiter?.watcher.close()
    if (this.#waiter !== undefined) native.waiterClose(this.#waiter.handle)
    this.#lifeWatcher?.close()
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
  readonly #words: Int32Array
  readonly #mine: number
  readonly #peers: number
  #listening = false

  constructor(words: Int32Array, side: number) {
    this.#words = words
    this.#mine = bellOf(side)
    this.#peers = bellOf(1 - side)
  }

  ring(): void {
    Atomics.notify(this.#words, this.#peers)
  }

  listen(value: number): void {
    if (this.#listening) return
    const waiting = waitAsync(this.#words, this.#mine, value)
    this.#listening = true
    const rung = () => {
      this.#listening = false
      this.onRung()
    }
    if (waiting.async) waiting.value.then(rung)
    else setImmediate(rung)
  }

  sleep(value: number, timeoutMs: number): void {
    Atomics.wait(this.#words, this.#mine, value, timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs)
  }

  close(): void {
    this.onRung = () => {}
    Atomics.store(this.#words, this.#mine, 0)
    Atomics.notify(this.#words, this.#mine)
  }
}
