/** A byte stream over Node's own streams, for adapters that need no addon. */
import type { Readable, Writable } from 'node:stream'
import { type Endpoint, type Outbox, READABLE, WRITABLE } from './adapter.js'
import { type Credentials, Result } from './channel.js'
import { resultOf } from './descriptor-endpoint.js'
import { type ErrorContext, fromNodeError, type IpcError } from './errors.js'

/** What sockets have and `Readable` and `Writable` do not declare. */
interface MaybeReferable {
  unref?(): unknown
}

/**
 * Owns both streams; either may be absent. One chunk at a time is in the writable's hands, and is owned
 * by the kernel when `writableLength` is 0 again: until then `outbox` says that it is pending.
 */
export class NodeStreamEndpoint implements Endpoint {
  error: IpcError | undefined
  readonly peer: Credentials | undefined
  onReady: (ready: number) => void = () => {}
  readonly outbox: Outbox
  protected readonly readable: Readable | undefined
  protected readonly writable: Writable | undefined
  readonly #context: ErrorContext
  #interest = 0
  #rest: Uint8Array | undefined
  #readOver: number | undefined
  #writeOver: number | undefined

  constructor(readable: Readable | undefined, writable: Writable | undefined, context: ErrorContext) {
    this.readable = readable
    this.writable = writable
    this.#context = context
    const announceRead = () => this.#announce(READABLE)
    readable?.on('readable', announceRead)
    readable?.on('end', () => {
      this.#readOver ??= Result.END
      announceRead()
    })
    readable?.on('error', (error) => {
      this.#readOver ??= this.#resultOf(error)
      announceRead()
    })
    readable?.on('close', () => {
      this.#readOver ??= Result.END
      announceRead()
    })
    writable?.on('error', (error) => {
      this.#writeOver ??= this.#resultOf(error)
      this.#announce(WRITABLE)
    })
    writable?.on('close', () => {
      this.#writeOver ??= Result.PEER_GONE
      this.#announce(WRITABLE)
    })
    // The channel decides what keeps the process alive.
    for (const stream of [readable, writable]) (stream as MaybeReferable | undefined)?.unref?.()
    this.outbox = {
      get pendingBytes() {
        return writable?.writableLength ?? 0
      },
      flush: () => this.#writeOver ?? (this.outbox.pendingBytes > 0 ? Result.WOULD_BLOCK : 0),
      own() {}, // chunks are copies
      cork() {},
    }
  }

  trySend(data: Uint8Array, _priority?: number): number {
    return this.#write(data.slice(), data.length)
  }

  /** One frame in one chunk; the bytes taken, the header's 4 among them. */
  sendFrame(data: Uint8Array): number {
    const frame = new Uint8Array(4 + data.length)
    new DataView(frame.buffer).setUint32(0, data.length, true)
    frame.set(data, 4)
    return this.#write(frame, frame.length)
  }

  #write(chunk: Uint8Array, length: number): number {
    if (this.#writeOver !== undefined) return this.#writeOver
    const { writable } = this
    if (writable === undefined) return Result.CLOSED
    if (writable.destroyed) return Result.PEER_GONE
    if (writable.writableLength > 0) return Result.WOULD_BLOCK
    if (length === 0) return 0
    writable.write(chunk, () => this.#announce(WRITABLE))
    // Node tells of an error that came at once only after this turn; until then the chunk looks written.
    if (writable.errored !== null) this.#writeOver = this.#resultOf(writable.errored)
    return this.#writeOver ?? length
  }

  tryReceiveInto(target: Uint8Array): number {
    if (target.length === 0) return 0
    const chunk = this.#rest ?? (this.readable?.read() as Uint8Array | null | undefined) ?? undefined
    if (chunk === undefined) return this.readable === undefined ? Result.END : (this.#readOver ?? Result.WOULD_BLOCK)
    const n = Math.min(target.length, chunk.length)
    target.set(chunk.subarray(0, n))
    this.#rest = n < chunk.length ? chunk.subarray(n) : undefined
    return n
  }

  get #readReady(): boolean {
    return this.#rest !== undefined || this.#readOver !== undefined || (this.readable?.readableLength ?? 0) > 0
  }

  get #writeReady(): boolean {
    return this.#writeOver !== undefined || this.writable?.writableLength === 0
  }

  watch(interest: number): void {
    this.#interest = interest
    // The streams announce what comes, not what is there already.
    const ready = (interest & READABLE && this.#readReady ? READABLE : 0) | (interest & WRITABLE && this.#writeReady ? WRITABLE : 0)
    if (ready !== 0) queueMicrotask(() => this.#announce(ready))
  }

  #announce(ready: number): void {
    if (this.#interest & ready) this.onReady(ready)
  }

  #resultOf(error: unknown): number {
    const ours = fromNodeError(error, this.#context)
    const result = resultOf(ours.errno ?? 0)
    if (result === Result.FAILED) this.error = ours
    return result
  }

  /** Called when all is flushed: closing the descriptor is the end that the peer sees. */
  end(): void {
    this.writable?.destroy()
  }

  close(): void {
    this.#interest = 0
    this.readable?.destroy()
    this.writable?.destroy()
  }
}
