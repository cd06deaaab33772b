/** What every endpoint over file descriptors has in common. */
import { constants } from 'node:os'
import { native } from '../native/index.js'
import { DescriptorWatcher, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../native/loop.js'
import { type Endpoint, READABLE, WRITABLE } from './adapter.js'
import { type Credentials, Result } from './channel.js'
import { type ErrorContext, type IpcError, systemError } from './errors.js'

const { EAGAIN, EPIPE, ECONNRESET, ENOTCONN, ECONNREFUSED, EIDRM } = constants.errno

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
      const failed = (came & (EPOLLERR | EPOLLHUP)) !== 0
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

/** A byte stream over read(2) and write(2): pipes, FIFOs, stream sockets. */
export class StreamEndpoint extends DescriptorEndpoint {
  #ended = false

  trySend(data: Uint8Array): number {
    if (this.writeFd < 0) return Result.CLOSED
    if (data.length === 0) return 0
    return this.result(native.fdWrite(this.writeFd, data), 'write')
  }

  /** One frame in one writev(2); the bytes written, the header's 4 among them. */
  trySendFrame(data: Uint8Array): number {
    if (this.writeFd < 0) return Result.CLOSED
    return this.result(native.fdWriteFrame(this.writeFd, data), 'writev')
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.#ended || this.readFd < 0) return Result.END
    if (target.length === 0) return 0
    const n = native.fdRead(this.readFd, target)
    if (n === 0) {
      this.#ended = true
      return Result.END
    }
    return this.result(n, 'read')
  }

  end(): void {
    this.closeWrite()
  }
}
