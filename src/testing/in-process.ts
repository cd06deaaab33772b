/**
 * Two endpoints in memory, joined to each other: no mechanism, no kernel, one process. They let core be
 * tested deterministically, with faults that no kernel shows on demand.
 */
import { type Endpoint, READABLE, WRITABLE } from '../core/adapter.js'
import { BaseChannel } from '../core/base-channel.js'
import { type Capabilities, type Channel, type Framing, type LinkOptions, Result } from '../core/channel.js'
import type { IpcError } from '../core/errors.js'
import { framed } from '../core/framing.js'

declare module '../core/channel.js' {
  interface Adapters {
    /** For tests: it has no address, and is not listed. */
    'in-process/pair': Record<never, never>
  }
}

const context = { adapter: 'in-process/pair' } as const

export interface MemoryOptions {
  framing?: 'message' | 'stream'
  /** Bytes (for messages, each counting at least 1) that one direction holds. Default 64 KiB. */
  capacity?: number
  payload?: { readonly min: number; readonly max: number }
}

/** One direction: what was sent and not yet received. */
class Pipe {
  readonly #queue: Uint8Array<ArrayBuffer>[] = []
  readonly capacity: number
  readonly stream: boolean
  used = 0
  /** Nothing more will come. */
  ended = false
  /** Nobody will receive any more. */
  abandoned = false

  constructor(capacity: number, stream: boolean) {
    this.capacity = capacity
    this.stream = stream
  }

  put(data: Uint8Array, most: number): number {
    const room = this.capacity - this.used
    const length = this.stream ? Math.min(data.length, room, most) : data.length
    if (this.stream ? length === 0 && data.length > 0 : this.#cost(length) > room) return Result.WOULD_BLOCK
    this.#queue.push(new Uint8Array(data.subarray(0, length)))
    this.used += this.#cost(length)
    return length
  }

  #cost(length: number): number {
    return this.stream ? length : Math.max(1, length)
  }

  /** The length of the next message, or undefined. */
  next(): number | undefined {
    return this.#queue[0]?.length
  }

  take(target: Uint8Array, most: number): number {
    const head = this.#queue[0]
    if (head === undefined) return Result.WOULD_BLOCK
    if (!this.stream) {
      if (head.length > target.length) return Result.TARGET_SIZE
      target.set(head)
      this.#queue.shift()
      this.used -= this.#cost(head.length)
      return head.length
    }
    const length = Math.min(head.length, target.length, most)
    target.set(head.subarray(0, length))
    if (length === head.length) this.#queue.shift()
    else this.#queue[0] = head.subarray(length)
    this.used -= length
    return length
  }
}

/** One side. The faults act on this side alone. */
export class MemoryEndpoint implements Endpoint {
  error: IpcError | undefined
  readonly peer = undefined
  readonly payload?: { readonly min: number; readonly max: number }
  onReady: (ready: number) => void = () => {}
  nextLength = 0
  /** The most bytes that one send or receive of a stream moves. */
  chunk = Number.POSITIVE_INFINITY
  closes = 0
  /** Sends that found room: for a stream, each would have been a system call. */
  sends = 0
  readonly #out: Pipe
  readonly #in: Pipe
  #other: MemoryEndpoint | undefined
  #wanted = 0
  #full = false

  constructor(out: Pipe, into: Pipe, payload: { readonly min: number; readonly max: number } | undefined) {
    this.#out = out
    this.#in = into
    if (payload !== undefined) this.payload = payload
  }

  /** Joins two sides. */
  static join(a: MemoryEndpoint, b: MemoryEndpoint): void {
    a.#other = b
    b.#other = a
  }

  /** While on, this side finds no room, however much there is. */
  set full(on: boolean) {
    this.#full = on
    this.wake()
  }

  /** This side's process is killed: the other reads what is there, and then that the peer is gone. */
  cut(): void {
    this.#out.ended = true
    this.#in.abandoned = true
    this.#other?.wake()
  }

  /** The next call fails with this error. */
  fail(error: IpcError): void {
    this.error = error
    this.wake()
  }

  trySend(data: Uint8Array): number {
    if (this.error !== undefined) return Result.FAILED
    if (this.#out.abandoned) return Result.PEER_GONE
    if (this.#out.ended) return Result.CLOSED
    if (this.#full) return Result.WOULD_BLOCK
    const result = this.#out.put(data, this.chunk)
    if (result < 0) return result
    this.sends++
    this.#other?.wake()
    return result
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.error !== undefined) return Result.FAILED
    const result = this.#in.take(target, this.chunk)
    if (result === Result.TARGET_SIZE) this.nextLength = this.#in.next() ?? 0
    if (result === Result.WOULD_BLOCK && this.#in.ended) return Result.END
    if (result >= 0) this.#other?.wake()
    return result
  }

  watch(interest: number): void {
    this.#wanted = interest
    this.wake()
  }

  /** Looks again at what is possible. */
  wake(): void {
    if (this.#wanted === 0) return
    setImmediate(() => {
      const readable = this.#in.next() !== undefined || this.#in.ended || this.error !== undefined
      const writable = (!this.#full && this.#out.used < this.#out.capacity) || this.#out.abandoned || this.error !== undefined
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
    this.cut()
  }
}

/** Two raw endpoints, joined. */
export function inProcessPair(options: MemoryOptions = {}): [MemoryEndpoint, MemoryEndpoint] {
  const stream = options.framing === 'stream'
  const there = new Pipe(options.capacity ?? 64 * 1024, stream)
  const back = new Pipe(options.capacity ?? 64 * 1024, stream)
  const a = new MemoryEndpoint(there, back, options.payload)
  const b = new MemoryEndpoint(back, there, options.payload)
  MemoryEndpoint.join(a, b)
  return [a, b]
}

const capabilities = (framing: 'message' | 'stream', payload: Capabilities['payload']): Capabilities =>
  Object.freeze({
    framing,
    payload: Object.freeze(payload),
    native: 'duplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'kernel',
    halfClose: true,
    rendezvous: 'inherit',
    peers: 'one',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: false,
    zeroCopy: false,
    connects: false,
    opens: false,
    crossesHosts: false,
    priority: false,
  })

/** Two channels over such a pair, and the endpoints below them for their faults. Over a stream they are framed, unless `asStream`. */
export function inProcessChannels(options: MemoryOptions & LinkOptions & { asStream?: boolean } = {}): {
  a: Channel
  b: Channel
  endpoints: [MemoryEndpoint, MemoryEndpoint]
} {
  const { framing = 'message', capacity, maxMessageBytes = 2 ** 26, maxQueuedBytes, asStream = false } = options
  const payload = options.payload ?? { min: 0, max: framing === 'message' ? (capacity ?? 64 * 1024) : 2 ** 32 - 1 }
  const endpoints = inProcessPair(options)
  const over = (endpoint: MemoryEndpoint): Channel =>
    new BaseChannel<Framing>(framing === 'stream' && !asStream ? framed(endpoint, maxMessageBytes, context) : endpoint, {
      adapter: 'in-process/pair',
      capabilities: capabilities(framing, payload),
      framing: asStream ? 'stream' : 'message',
      maxQueuedBytes,
    }) as unknown as Channel
  return { a: over(endpoints[0]), b: over(endpoints[1]), endpoints }
}
