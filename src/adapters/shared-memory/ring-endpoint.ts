/** One side of a segment as an endpoint, the same for every way of sharing memory. */
import type { Outbox, RawZeroCopy } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import type { Bell } from './bell.js'
import { bellOf, RingReader, RingWriter, type Segment } from './ring-buffer.js'
import { SleepingEndpoint } from './sleeping-endpoint.js'

/** Claims and loans: an object of a class, whose accessors V8 inlines, as it does not those of a literal. */
class InPlace implements RawZeroCopy {
  readonly memory: Uint8Array<ArrayBuffer>
  readonly #endpoint: RingEndpoint
  readonly #writer: RingWriter
  readonly #reader: RingReader

  constructor(endpoint: RingEndpoint, memory: Uint8Array<ArrayBuffer>, writer: RingWriter, reader: RingReader) {
    this.#endpoint = endpoint
    this.memory = memory
    this.#writer = writer
    this.#reader = reader
  }

  tryClaim(length: number): number {
    const offset = this.#writer.tryClaim(length)
    return offset >= 0 ? offset : this.#endpoint.sent(offset)
  }

  commit(length: number): void {
    this.#writer.commit(length)
  }

  abort(): void {
    this.#writer.abort()
  }

  tryBorrow(): number {
    const offset = this.#reader.tryBorrow()
    if (offset >= 0) return offset
    return this.#endpoint.received(offset === Result.WOULD_BLOCK && this.#endpoint.peerGone ? this.#reader.tryBorrow() : offset)
  }

  get borrowedLength(): number {
    return this.#reader.borrowedLength
  }

  release(): void {
    this.#reader.release()
  }
}

export class RingEndpoint extends SleepingEndpoint {
  readonly payload: { readonly min: number; readonly max: number }
  readonly outbox: Outbox
  readonly zeroCopy?: RawZeroCopy
  readonly #writer: RingWriter
  readonly #reader: RingReader
  readonly #free: () => void
  #ended = false

  /** Side 0 listened, side 1 connected. Owns `bell`; `free` releases the segment after it. */
  constructor(segment: Segment, side: number, bell: Bell, free: () => void, context: ErrorContext) {
    super(bell, segment.words, bellOf(side), context)
    const wake = (how: number) => bell.ring(how)
    const writer = new RingWriter(segment, side, wake)
    const reader = new RingReader(segment, side, wake)
    this.#writer = writer
    this.#reader = reader
    this.#free = free
    this.payload = Object.freeze({ min: 0, max: writer.max })
    this.outbox = writer
    const { bytes } = segment
    if (bytes.buffer instanceof ArrayBuffer) this.zeroCopy = new InPlace(this, bytes as Uint8Array<ArrayBuffer>, writer, reader)
  }

  get peerGone(): boolean {
    return this.bell.peerGone
  }

  get nextLength(): number {
    return this.#reader.nextLength
  }

  /** Found out before any readiness is told. */
  get buffered(): boolean {
    return this.#reader.readiness() !== Result.WOULD_BLOCK
  }

  trySend(data: Uint8Array): number {
    if (this.#ended) return Result.CLOSED
    const n = this.#writer.trySend(data)
    return n >= 0 ? n : this.sent(n)
  }

  tryReceiveInto(target: Uint8Array): number {
    const n = this.#reader.tryReceiveInto(target)
    if (n >= 0) return n
    return this.received(n === Result.WOULD_BLOCK && this.peerGone ? this.#reader.tryReceiveInto(target) : n)
  }

  /** What a send answers for what the ring did. */
  sent(n: number): number {
    return n === Result.FAILED ? this.failed(this.#writer.violation) : n
  }

  /** What a receive answers for what the ring did last: a peer that is gone has sent all that it ever will. */
  received(n: number): number {
    if (n === Result.FAILED) return this.failed(this.#reader.violation)
    return n === Result.WOULD_BLOCK && this.peerGone ? Result.PEER_GONE : n
  }

  protected lost(): void {
    this.#writer.abandon()
  }

  protected readable(): number {
    return this.#reader.readiness()
  }

  protected writable(): number {
    return this.#writer.readiness()
  }

  protected seenIn(): number {
    return this.#reader.seen
  }

  protected seenOut(): number {
    return this.#writer.seen
  }

  end(): void {
    this.#ended = true
    this.#writer.end(false)
  }

  protected leave(): void {
    this.#writer.end(true)
    this.#reader.close()
  }

  protected release(): void {
    this.#free()
  }
}
