/**
 * Two endpoints in memory, joined to each other: no mechanism, no kernel, one process. They let core, and what
 * users build on it, be tested deterministically, with faults that no kernel shows on demand.
 */
import { type Endpoint, READABLE, WRITABLE } from '../core/adapter.js'
import { type Credentials, Result } from '../core/channel.js'
import { IpcError } from '../core/errors.js'
import type { Faults, KillPoint } from './faults.js'
import { Wire } from './wire.js'

declare module '../core/channel.js' {
  interface Adapters {
    /** For tests: it has no address, and is not listed. */
    'in-process/pair': Record<never, never>
  }
}

export const context = { adapter: 'in-process/pair' } as const

const KILL_POINTS: readonly string[] = ['now', 'before-send', 'in-send', 'after-send', 'after-receive'] satisfies KillPoint[]

export interface MemoryOptions {
  /** What the pair keeps by itself: messages, as a datagram socket does, or a byte stream, as a pipe does. Default `'stream'`. */
  readonly over?: 'message' | 'stream'
  /** Bytes (of messages, each counting at least 1) that one direction holds. Default 64 KiB. */
  readonly capacity?: number
  /** Bytes that one message may have, for pairs over `'message'`. Default: 0 to `capacity`. */
  readonly payload?: { readonly min: number; readonly max: number }
  /** `'none'`, for pairs over `'message'`: the mechanism promises no order, so that `reorder` may change it. Default `'fifo'`. */
  readonly order?: 'fifo' | 'none'
}

/** One side. The faults act on this side alone. */
export class MemoryEndpoint implements Endpoint, Faults {
  error: IpcError | undefined
  readonly peer: Credentials = Object.freeze({ pid: process.pid, uid: process.geteuid?.() ?? 0 })
  readonly payload?: { readonly min: number; readonly max: number }
  onReady: (ready: number) => void = () => {}
  nextLength = 0
  chunk = Number.POSITIVE_INFINITY
  writes = 0
  closes = 0
  readonly #out: Wire
  readonly #in: Wire
  readonly #reorders: boolean
  #other: MemoryEndpoint | undefined
  #wanted = 0
  #full = false
  #killed: KillPoint | undefined

  private constructor(out: Wire, into: Wire, { payload, order }: MemoryOptions) {
    this.#out = out
    this.#in = into
    this.#reorders = order === 'none'
    if (payload !== undefined) this.payload = payload
  }

  static pair(options: MemoryOptions): [MemoryEndpoint, MemoryEndpoint] {
    const { over = 'stream', capacity = 64 * 1024 } = options
    const there = new Wire(capacity, over === 'stream')
    const back = new Wire(capacity, over === 'stream')
    const a = new MemoryEndpoint(there, back, options)
    const b = new MemoryEndpoint(back, there, options)
    a.#other = b
    b.#other = a
    return [a, b]
  }

  // ---- faults -----------------------------------------------------------------------------------

  get full(): boolean {
    return this.#full
  }
  set full(on: boolean) {
    this.#full = on
    this.wake()
  }

  delay(): void {
    this.#out.delaying = true
  }

  get delayed(): number {
    return this.#out.delayed
  }

  release(count?: number): void {
    if (count === undefined) this.#out.delaying = false
    this.#out.arrive(count ?? this.delayed)
    this.#other?.wake()
  }

  reorder(order: readonly number[]): void {
    if (!this.#reorders) throw new TypeError("this pair keeps the order of messages; make it with { over: 'message', order: 'none' }")
    this.#out.permute(order)
  }

  cut(afterBytes = 0): void {
    if (!Number.isSafeInteger(afterBytes) || afterBytes < 0)
      throw new RangeError(`afterBytes must be a whole number >= 0, not ${afterBytes}`)
    this.#out.left = afterBytes
    if (afterBytes === 0) this.#sever()
  }

  kill(at: KillPoint = 'now'): void {
    if (!KILL_POINTS.includes(at)) throw new TypeError(`a side is killed at ${KILL_POINTS.join(', ')}, not ${JSON.stringify(at)}`)
    this.#killed = at
    if (at === 'now') this.#die()
  }

  fail(error: IpcError): void {
    this.error = error
    this.wake()
  }

  #sever(): void {
    for (const wire of [this.#out, this.#in]) {
      wire.ended = true
      wire.abandoned = true
    }
    this.wake()
    this.#other?.wake()
  }

  #die(): void {
    this.#killed = undefined
    this.#out.reset = this.#in.next() !== undefined
    this.#leave()
    this.fail(new IpcError('ERR_IPC_CLOSED', 'this side was killed by a test', context))
  }

  /** Nothing more comes from here, and nobody reads here: what a kernel does with the ends of a process that is gone. */
  #leave(): void {
    this.#out.ended = true
    this.#in.abandoned = true
    this.#other?.wake()
  }

  // ---- the endpoint -----------------------------------------------------------------------------

  trySend(data: Uint8Array): number {
    if (this.#killed === 'before-send') this.#die()
    if (this.error !== undefined) return Result.FAILED
    const out = this.#out
    if (out.abandoned) return Result.PEER_GONE
    if (out.ended) return Result.CLOSED
    if (this.#full) return Result.WOULD_BLOCK
    if (this.#killed === 'in-send') return this.#sendHalf(data)
    if (!out.stream && data.length > out.left) {
      this.#sever()
      return Result.PEER_GONE
    }
    const result = out.put(data, Math.min(this.chunk, out.left))
    if (result < 0) return result
    this.writes++
    this.#other?.wake()
    out.left -= result
    if (out.left === 0) this.#sever()
    if (this.#killed === 'after-send') this.#die()
    return result
  }

  #sendHalf(data: Uint8Array): number {
    const half = this.#out.stream ? this.#out.put(data.subarray(0, data.length >> 1), this.chunk) : Result.FAILED
    this.#die()
    return half > 0 ? half : Result.FAILED
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.error !== undefined) return Result.FAILED
    const result = this.#in.take(target, this.chunk)
    if (result === Result.TARGET_SIZE) this.nextLength = this.#in.next() ?? 0
    if (result === Result.WOULD_BLOCK && this.#over) return this.#in.reset ? Result.PEER_GONE : Result.END
    if (result >= 0) {
      this.#other?.wake()
      if (this.#killed === 'after-receive') this.#die()
    }
    return result
  }

  /** All was read that will ever come. */
  get #over(): boolean {
    return this.#in.ended && this.#in.empty
  }

  watch(interest: number): void {
    this.#wanted = interest
    this.wake()
  }

  /** Looks again at what is possible. */
  wake(): void {
    if (this.#wanted === 0) return
    setImmediate(() => {
      const out = this.#out
      const readable = this.#in.next() !== undefined || this.#over || this.error !== undefined
      const writable = (!this.#full && out.used < out.capacity) || out.abandoned || this.error !== undefined
      const ready = ((readable ? READABLE : 0) | (writable ? WRITABLE : 0)) & this.#wanted
      if (ready !== 0) this.onReady(ready)
    })
  }

  end(): void {
    this.#out.ended = true
    this.#other?.wake()
  }

  close(): void {
    this.closes++
    this.#wanted = 0
    this.#leave()
  }
}
