/** What every endpoint over file descriptors has in common. */
import { constants } from 'node:os'
import { native } from '../native/index.js'
import { DescriptorWatcher, EPOLLERR, EPOLLIN, EPOLLOUT } from '../native/loop.js'
import { type Endpoint, READABLE, WRITABLE } from './adapter.js'
import { type Bytes, type Credentials, Result } from './channel.js'
import { check, type ErrorContext, type IpcError, systemError } from './errors.js'
import { endedInside, type FrameReader, frameLengthAt, HEADER_BYTES, LARGE_BYTES, tooLong } from './framing.js'

const { EAGAIN, EPIPE, ECONNRESET, ENOTCONN, ECONNREFUSED, EIDRM, EMSGSIZE, ENODATA, ENOLINK, EPROTO } = constants.errno
/** Of calls that may wait: this one does not. */
export const NO_WAIT = 0
/** The argument of natives that wait without a limit or not at all; with a limit `waitSync` waits. */
export const waits = (waitMs: number): number => (waitMs < 0 ? 1 : 0)

/** `Result` for a negative errno. */
export function resultOf(errno: number): number {
  switch (-errno) {
    case EAGAIN:
      return Result.WOULD_BLOCK
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
    case ECONNREFUSED:
    case EIDRM:
      return Result.PEER_GONE
    default:
      return Result.FAILED
  }
}

/**
 * Readiness, blocking waits and release for one descriptor that carries both directions, or for one
 * descriptor a direction (either may be -1). Owns both. Subclasses send and receive.
 */
export abstract class DescriptorEndpoint implements Endpoint {
  error: IpcError | undefined
  peer: Credentials | undefined
  onReady: (ready: number) => void = () => {}
  protected readFd: number
  protected writeFd: number
  readonly #context: ErrorContext
  #readWatcher: DescriptorWatcher | undefined
  #writeWatcher: DescriptorWatcher | undefined

  constructor(readFd: number, writeFd: number, context: ErrorContext) {
    this.readFd = readFd
    this.writeFd = writeFd
    this.#context = context
  }

  abstract trySend(data: Uint8Array, priority: number): number
  abstract tryReceiveInto(target: Uint8Array): number
  abstract end(): void

  /** `n` itself, or the `Result` for it, with `error` set where it is FAILED. */
  protected result(n: number, syscall: string): number {
    if (n >= 0) return n
    const result = resultOf(n)
    if (result === Result.FAILED) this.error = systemError(n, syscall, this.#context)
    return result
  }

  watch(interest: number): void {
    const reading = interest & READABLE && this.readFd >= 0 ? EPOLLIN : 0
    const writing = interest & WRITABLE && this.writeFd >= 0 ? EPOLLOUT : 0
    if (this.readFd === this.writeFd) {
      this.#watchRead(reading | writing)
      return
    }
    if (this.readFd >= 0) this.#watchRead(reading)
    if (this.writeFd >= 0) this.#watchWrite(writing)
  }

  #watchRead(events: number): void {
    if (events === 0 && this.#readWatcher === undefined) return
    this.#readWatcher ??= new DescriptorWatcher(this.readFd, (came) => {
      const failed = came === EPOLLERR
      this.onReady((came & EPOLLIN || failed ? READABLE : 0) | (came & EPOLLOUT || failed ? WRITABLE : 0))
    })
    this.#want(this.#readWatcher, events)
  }

  #watchWrite(events: number): void {
    if (events === 0 && this.#writeWatcher === undefined) return
    this.#writeWatcher ??= new DescriptorWatcher(this.writeFd, () => this.onReady(WRITABLE))
    this.#want(this.#writeWatcher, events)
  }

  #want(watcher: DescriptorWatcher, events: number): void {
    const result = watcher.want(events)
    // A descriptor that epoll refuses (a regular file) is always ready; without an epoll, look again and again.
    if (result < 0) setImmediate(() => this.onReady(READABLE | WRITABLE)).unref()
  }

  waitSync(interest: number, timeoutMs: number): number {
    // One descriptor, or one direction at a time: the sync facet never waits for both.
    const fd = interest & READABLE ? this.readFd : this.writeFd
    const came = native.fdPoll(fd, interest & READABLE ? EPOLLIN : EPOLLOUT, timeoutMs)
    return came === 0 ? 0 : interest
  }

  /** Closes the sending descriptor alone, where it is one of its own. */
  protected closeWrite(): void {
    if (this.writeFd < 0 || this.writeFd === this.readFd) return
    this.#writeWatcher?.close()
    this.#writeWatcher = undefined
    native.fdClose(this.writeFd)
    this.writeFd = -1
  }

  close(): void {
    this.closeWrite()
    this.#readWatcher?.close()
    this.#readWatcher = undefined
    if (this.readFd >= 0) native.fdClose(this.readFd)
    this.readFd = -1
    this.writeFd = -1
  }
}

/** What the addon tells beside a result, and where a short message is handed to it: native/stream.c. */
const Told = { LENGTH: 0, HOLDS: 1, DRAINED: 2, FIRST: 3, LAST: 4, STAGE: 16, WORDS: 32 } as const
const STAGED_BYTES = 64
const AHEAD_BYTES = 64 * 1024

/** A byte stream over read(2) and write(2): pipes, FIFOs, stream sockets. */
export class StreamEndpoint extends DescriptorEndpoint {
  readonly #stream: number
  readonly #told = new Uint32Array(Told.WORDS)
  readonly #stage = new Uint8Array(this.#told.buffer, 4 * Told.STAGE)
  readonly #errors: ErrorContext
  #ended = false

  constructor(readFd: number, writeFd: number, context: ErrorContext) {
    super(readFd, writeFd, context)
    this.#errors = context
    this.#stream = check(native.streamOpen(readFd, writeFd, this.#told), 'fstat', context)
  }

  trySend(data: Uint8Array): number {
    return this.sendSync(data, NO_WAIT)
  }

  sendSync(data: Uint8Array, waitMs: number): number {
    if (this.writeFd < 0) return Result.CLOSED
    if (data.length === 0) return 0
    return this.result(native.streamWrite(this.#stream, data, waitMs), 'write')
  }

  /** One frame at once; the bytes written, the header's 4 among them. */
  sendFrame(data: Uint8Array, waitMs: number): number {
    if (this.writeFd < 0) return Result.CLOSED
    if (data.length > STAGED_BYTES) return this.result(native.streamSend(this.#stream, data, waitMs), 'write')
    this.#stage.set(data)
    return this.result(native.streamSendStaged(this.#stream, data.length, waitMs), 'write')
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.receiveSync(target, NO_WAIT)
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    if (this.#ended || this.readFd < 0) return Result.END
    if (target.length === 0) return 0
    const n = native.streamRead(this.#stream, target, waitMs)
    if (n === 0) {
      this.#ended = true
      return Result.END
    }
    return this.result(n, 'read')
  }

  /** Cuts the stream into frames; from the first on nothing else may receive from it. */
  frames(longest: number): FrameReader {
    return new DescriptorFrames(this.#stream, this.#told, longest, this.#errors)
  }

  end(): void {
    this.closeWrite()
  }

  override close(): void {
    super.close()
    native.streamClose(this.#stream)
  }
}

/**
 * Frames of a descriptor. The addon reads ahead into memory that it shares with this: what lies there whole is cut out
 * here, without a call, where it becomes memory of its own; else by the addon, one call a message.
 */
class DescriptorFrames implements FrameReader {
  error: IpcError | undefined
  readonly #stream: number
  readonly #told: Uint32Array
  readonly #longest: number
  readonly #errors: ErrorContext
  #ahead: Bytes | undefined
  #over: number | undefined

  constructor(stream: number, told: Uint32Array, longest: number, errors: ErrorContext) {
    this.#stream = stream
    this.#told = told
    this.#longest = longest
    this.#errors = errors
  }

  get nextLength(): number {
    return this.#told[Told.LENGTH] ?? 0
  }

  get buffered(): boolean {
    return this.#over !== undefined || this.#told[Told.HOLDS] === 1 || this.#whole() >= 0
  }

  get drained(): boolean {
    return this.#told[Told.DRAINED] === 1 && !this.buffered
  }

  takeBuffered(): Bytes | undefined {
    const length = this.#whole()
    if (this.#ahead === undefined || length < 0 || length > this.#longest || length >= LARGE_BYTES) return undefined
    const at = (this.#told[Told.FIRST] as number) + HEADER_BYTES
    this.#told[Told.FIRST] = at + length
    return this.#ahead.slice(at, at + length)
  }

  /** The length of the message that lies whole in the shared memory; -1 where there is none. */
  #whole(): number {
    const at = this.#told[Told.FIRST] as number
    const have = (this.#told[Told.LAST] as number) - at
    if (have < HEADER_BYTES || this.#ahead === undefined) return -1
    const length = frameLengthAt(this.#ahead, at)
    return length <= have - HEADER_BYTES ? length : -1
  }

  receive(target: Uint8Array, waitMs: number): number {
    if (this.#over !== undefined) return this.#over
    if (this.#ahead === undefined) {
      // Not filled with zeros: a channel that never receives much never touches most of it.
      this.#ahead = new Uint8Array(Buffer.allocUnsafeSlow(AHEAD_BYTES).buffer as ArrayBuffer)
      native.streamGive(this.#stream, this.#ahead)
    }
    const n = native.streamReceive(this.#stream, target, waitMs, this.#longest)
    return n >= 0 ? n : this.#result(n)
  }

  #result(n: number): number {
    if (n === -EMSGSIZE) return Result.TARGET_SIZE
    if (n === -EAGAIN) return Result.WOULD_BLOCK
    const result = n === -ENODATA ? Result.END : resultOf(n)
    if (n === -EPROTO) this.error = tooLong(this.nextLength, this.#longest, this.#errors)
    else if (n === -ENOLINK) this.error = endedInside(this.nextLength, this.#errors)
    else if (result === Result.FAILED) this.error = systemError(n, 'read', this.#errors)
    this.#over = result
    return result
  }
}
