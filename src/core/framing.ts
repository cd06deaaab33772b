/**
 * Messages over a byte stream: a 4-byte little-endian length, then the bytes. No handshake and no
 * trailer; the end of the stream is the end, and an end inside a message is the loss of the peer.
 */
import type { Endpoint, Outbox } from './adapter.js'
import { type Bytes, type Credentials, Result } from './channel.js'
import { type ErrorContext, IpcError } from './errors.js'

export const HEADER_BYTES = 4
/** From this length on a message is better received into memory of its own at once. */
export const LARGE_BYTES = 16 * 1024
const BUFFER_BYTES = 64 * 1024
/** A corked batch of this size is published without waiting for `uncork`. */
const BATCH_BYTES = 64 * 1024
/** Up to this length a copy costs less than a system call. */
const GATHERED_BYTES = 4 * 1024

/** A stream endpoint that writes one frame at once: the bytes written, the header's 4 among them. */
interface FrameWriter {
  sendFrame(data: Uint8Array, waitMs: number): number
}
const writesFrames = (stream: Endpoint): stream is Endpoint & FrameWriter => 'sendFrame' in stream

/** Cuts a stream into frames. */
export interface FrameReader {
  /** The error behind the last `Result.FAILED`. */
  readonly error: IpcError | undefined
  /** The length of the message behind the last TARGET_SIZE. */
  readonly nextLength: number
  /** A whole message, or the end, is here. */
  readonly buffered: boolean
  /** See `Endpoint.drained`. */
  readonly drained?: boolean
  /** See `Endpoint.takeBuffered`. */
  takeBuffered?(): Bytes | undefined
  /** The next message into `target`: its length, or a `Result`. `waitMs` is for streams that `receiveSync`. */
  receive(target: Uint8Array, waitMs: number): number
}

/** A stream endpoint that has a reader of its own. */
interface FrameSource {
  frames(longest: number): FrameReader
}
const readsFrames = (stream: Endpoint): stream is Endpoint & FrameSource => 'frames' in stream

/** What the header at `at` announces. */
export const frameLengthAt = (b: Uint8Array, at: number): number =>
  ((b[at] as number) | ((b[at + 1] as number) << 8) | ((b[at + 2] as number) << 16) | ((b[at + 3] as number) << 24)) >>> 0

export const tooLong = (length: number, longest: number, context: ErrorContext): IpcError =>
  new IpcError('ERR_IPC_PROTOCOL', `the peer announced a message of ${length} bytes; maxMessageBytes is ${longest}`, context)

/** `came` counts the header's bytes too. */
export const endedInside = (came: number, context: ErrorContext): IpcError =>
  new IpcError(
    'ERR_IPC_PEER_GONE',
    came < HEADER_BYTES
      ? 'the stream ended inside the header of a message'
      : `the stream ended inside a message, after ${came - HEADER_BYTES} of its bytes`,
    context,
  )

/** A message endpoint over a stream endpoint, which it owns. Accepts messages of at most `maxMessageBytes` in both directions. */
export function framed(stream: Endpoint, maxMessageBytes: number, context: ErrorContext): Endpoint {
  return new FramedEndpoint(stream, maxMessageBytes, context)
}

class FramedEndpoint implements Endpoint {
  #error: IpcError | undefined
  readonly payload: { readonly min: number; readonly max: number }
  readonly outbox: FrameOutbox
  readonly #stream: Endpoint
  readonly #reader: FrameReader
  waitSync?: (interest: number, timeoutMs: number) => number
  sendSync?: (data: Uint8Array, waitMs: number) => number
  receiveSync?: (target: Uint8Array, waitMs: number) => number

  constructor(stream: Endpoint, maxMessageBytes: number, context: ErrorContext) {
    this.#stream = stream
    this.payload = Object.freeze({ min: 0, max: maxMessageBytes })
    this.outbox = new FrameOutbox(stream)
    this.#reader = readsFrames(stream) ? stream.frames(maxMessageBytes) : new BufferedFrames(stream, maxMessageBytes, context)
    if (stream.waitSync !== undefined) this.waitSync = (interest, timeoutMs) => stream.waitSync?.(interest, timeoutMs) ?? 0
    if (stream.sendSync !== undefined) this.sendSync = (data, waitMs) => this.#send(data, waitMs)
    if (stream.receiveSync !== undefined && readsFrames(stream)) this.receiveSync = (target, waitMs) => this.#receive(target, waitMs)
  }

  /** Flushing the outbox may fail, too. */
  get error(): IpcError | undefined {
    return this.#error ?? this.#stream.error
  }
  get peer(): Credentials | undefined {
    return this.#stream.peer
  }
  get nextLength(): number {
    return this.#reader.nextLength
  }
  get buffered(): boolean {
    return this.#reader.buffered
  }
  get drained(): boolean {
    return this.#reader.drained === true
  }
  get onReady(): (ready: number) => void {
    return this.#stream.onReady
  }
  set onReady(callback: (ready: number) => void) {
    this.#stream.onReady = callback
  }
  watch(interest: number): void {
    this.#stream.watch(interest)
  }

  takeBuffered(): Bytes | undefined {
    return this.#reader.takeBuffered?.()
  }

  trySend(data: Uint8Array): number {
    return this.#send(data, 0)
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.#receive(target, 0)
  }

  #send(data: Uint8Array, waitMs: number): number {
    const result = this.outbox.send(data, waitMs)
    if (result === Result.FAILED) this.#error = this.#stream.error
    return result
  }

  #receive(target: Uint8Array, waitMs: number): number {
    const result = this.#reader.receive(target, waitMs)
    if (result === Result.FAILED) this.#error = this.#reader.error
    return result
  }

  end(): void {
    this.#stream.end()
  }
  close(): void {
    this.#stream.close()
  }
}

/** Frames of any stream endpoint, through a buffer of its own. */
class BufferedFrames implements FrameReader {
  error: IpcError | undefined
  nextLength = 0
  readonly #stream: Endpoint
  readonly #longest: number
  readonly #context: ErrorContext
  // Bytes read and not yet handed over: #buffer[#start .. #end).
  #buffer = new Uint8Array(BUFFER_BYTES)
  #start = 0
  #end = 0
  #over: number | undefined

  constructor(stream: Endpoint, longest: number, context: ErrorContext) {
    this.#stream = stream
    this.#longest = longest
    this.#context = context
  }

  get buffered(): boolean {
    const have = this.#end - this.#start
    return this.#over !== undefined || (have >= HEADER_BYTES && have >= HEADER_BYTES + this.#length())
  }

  receive(target: Uint8Array): number {
    for (;;) {
      const have = this.#end - this.#start
      if (have >= HEADER_BYTES) {
        const length = this.#length()
        if (length > this.#longest) return this.#fail(tooLong(length, this.#longest, this.#context))
        if (have >= HEADER_BYTES + length) return this.#take(target, length)
        this.#reserve(HEADER_BYTES + length, have)
      }
      if (this.#over !== undefined) return this.#over
      const n = this.#fill()
      if (n <= 0) return n
    }
  }

  #length(): number {
    return frameLengthAt(this.#buffer, this.#start)
  }

  #take(target: Uint8Array, length: number): number {
    if (length > target.length) {
      this.nextLength = length
      return Result.TARGET_SIZE
    }
    const at = this.#start + HEADER_BYTES
    if (length > 0) target.set(this.#buffer.subarray(at, at + length))
    this.#start = at + length
    if (this.#start === this.#end) {
      this.#start = 0
      this.#end = 0
      // A buffer that grew for one large message is not kept.
      if (this.#buffer.length > 16 * BUFFER_BYTES) this.#buffer = new Uint8Array(BUFFER_BYTES)
    }
    return length
  }

  /**
   * Room for a message of `need` bytes, of which `have` are there. The buffer at most doubles at a time,
   * so that memory follows what has arrived and not what a peer announces.
   */
  #reserve(need: number, have: number): void {
    if (this.#start + need <= this.#buffer.length) return
    if (have < this.#buffer.length) {
      if (this.#start > 0) this.#buffer.copyWithin(0, this.#start, this.#end)
    } else {
      const grown = new Uint8Array(Math.min(Math.max(need, BUFFER_BYTES), 2 * this.#buffer.length))
      grown.set(this.#buffer.subarray(this.#start, this.#end))
      this.#buffer = grown
    }
    this.#start = 0
    this.#end = have
  }

  /** Reads once: > 0 when something came, else a `Result`. */
  #fill(): number {
    if (this.#end === this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
    }
    const n = this.#stream.tryReceiveInto(this.#buffer.subarray(this.#end))
    if (n > 0) {
      this.#end += n
      return n
    }
    if (n === Result.WOULD_BLOCK) return n
    const have = this.#end - this.#start
    if (have > 0 && (n === Result.END || n === Result.PEER_GONE)) return this.#fail(endedInside(have, this.#context))
    if (n === Result.FAILED) this.error = this.#stream.error
    this.#over = n
    return n
  }

  #fail(error: IpcError): number {
    this.error = error
    this.#over = Result.FAILED
    this.#start = 0
    this.#end = 0
    return Result.FAILED
  }
}

/** Frames on their way: the rest of one that the kernel took in part, or a corked batch. */
class FrameOutbox implements Outbox {
  readonly gathers = GATHERED_BYTES
  readonly #stream: Endpoint
  /** What is left, in order. A borrowed part belongs to a caller until `own`. */
  #parts: { bytes: Uint8Array; borrowed: boolean }[] = []
  #batch = new Uint8Array(0)
  #batched = 0
  #corked = false
  #held = 0

  constructor(stream: Endpoint) {
    this.#stream = stream
  }

  /** What is held here, and what the stream itself holds back. */
  get pendingBytes(): number {
    return this.#held + (this.#stream.outbox?.pendingBytes ?? 0)
  }

  send(data: Uint8Array, waitMs: number): number {
    if (this.#corked && HEADER_BYTES + data.length <= BATCH_BYTES) return this.#collect(data)
    if (this.#held > 0) {
      const flushed = this.flush()
      if (flushed !== 0) return flushed
    }
    const n = writesFrames(this.#stream) ? this.#stream.sendFrame(data, waitMs) : this.#stream.trySend(whole(data), 0)
    if (n < 0) return n
    const total = HEADER_BYTES + data.length
    if (n < total) {
      if (n < HEADER_BYTES) this.#push(header(data.length).subarray(n), false)
      this.#push(data.subarray(Math.max(0, n - HEADER_BYTES)), true)
    }
    return data.length
  }

  #collect(data: Uint8Array): number {
    if (this.#batch.length === 0) this.#batch = new Uint8Array(BATCH_BYTES)
    const total = HEADER_BYTES + data.length
    if (this.#parts.length > 0 || this.#batched + total > BATCH_BYTES) {
      const flushed = this.flush()
      if (flushed !== 0) return flushed
    }
    const batch = this.#batch
    let at = this.#batched
    batch[at++] = data.length
    batch[at++] = data.length >>> 8
    batch[at++] = data.length >>> 16
    batch[at++] = data.length >>> 24
    batch.set(data, at)
    this.#batched += total
    this.#held += total
    return data.length
  }

  #push(bytes: Uint8Array, borrowed: boolean): void {
    if (bytes.length === 0) return
    this.#parts.push({ bytes, borrowed })
    this.#held += bytes.length
  }

  flush(): number {
    if (this.#batched > 0) {
      this.#parts.push({ bytes: this.#batch.subarray(0, this.#batched), borrowed: false })
      this.#batch = new Uint8Array(0)
      this.#batched = 0
    }
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      while (part.bytes.length > 0) {
        const n = this.#stream.trySend(part.bytes, 0)
        if (n < 0) return n
        part.bytes = part.bytes.subarray(n)
        this.#held -= n
      }
      // The last batch's memory serves the next one.
      if (!part.borrowed && this.#batch.length === 0 && part.bytes.buffer.byteLength === BATCH_BYTES)
        this.#batch = new Uint8Array(part.bytes.buffer as ArrayBuffer)
      this.#parts.shift()
    }
    return this.#stream.outbox?.flush() ?? 0
  }

  own(): void {
    this.#stream.outbox?.own()
    for (const part of this.#parts) {
      if (!part.borrowed) continue
      part.bytes = part.bytes.slice()
      part.borrowed = false
    }
  }

  cork(on: boolean): void {
    this.#corked = on
  }
}

function header(length: number): Uint8Array {
  return Uint8Array.of(length, length >>> 8, length >>> 16, length >>> 24)
}

function whole(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + data.length)
  frame.set(header(data.length))
  frame.set(data, HEADER_BYTES)
  return frame
}
