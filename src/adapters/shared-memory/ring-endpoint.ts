/** One side of a segment as an endpoint, the same for every way of sharing memory. */
import type { Outbox, RawZeroCopy } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import type { Bell } from './bell.js'
import { bellOf, RingReader, RingWriter, type Segment } from './ring-buffer.js'
import { SleepingEndpoint } from './sleeping-endpoint.js'

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
    const wake = () => bell.ring()
    const writer = new RingWriter(segment, side, wake)
    const reader = new RingReader(segment, side, wake)
    this.#writer = writer
    this.#reader = reader
    this.#free = free
    this.payload = Object.freeze({ min: 0, max: writer.max })
    this.outbox = {
      get pendingBytes() {
        return writer.pendingBytes
      },
      flush() {
        writer.publish()
        return 0
      },
      own() {},
      cork: (on) => writer.cork(on),
    }
    const { bytes } = segment
    if (bytes.buffer instanceof ArrayBuffer)
      this.zeroCopy = {
        memory: bytes as Uint8Array<ArrayBuffer>,
        tryClaim: (length) => this.#sent(bell.peerGone ? Result.PEER_GONE : writer.tryClaim(length)),
        commit: (length) => writer.commit(length),
        abort: () => writer.abort(),
        tryBorrow: () => this.#received(bell.peerGone, reader.tryBorrow()),
        get borrowedLength() {
          return reader.borrowedLength
        },
        release: () => reader.release(),
      }
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
    if (this.bell.peerGone) return Result.PEER_GONE
    const n = this.#writer.trySend(data)
    return n >= 0 ? n : this.#sent(n)
  }

  tryReceiveInto(target: Uint8Array): number {
    const gone = this.bell.peerGone // before looking: all that it sent is there then
    const n = this.#reader.tryReceiveInto(target)
    return n >= 0 ? n : this.#received(gone, n)
  }

  #sent(n: number): number {
    return n === Result.FAILED ? this.failed(this.#writer.violation) : n
  }

  #received(gone: boolean, n: number): number {
    if (n === Result.FAILED) return this.failed(this.#reader.violation)
    return n === Result.WOULD_BLOCK && gone ? Result.PEER_GONE : n
  }

  protected readable(): number {
    return this.#reader.readiness()
  }

  protected writable(): number {
    return this.#writer.readiness()
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
