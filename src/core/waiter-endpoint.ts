/** What endpoints over kernel objects that poll(2) cannot watch have in common: a waiting thread a direction. */
import { constants } from 'node:os'
import { Waiter } from '../native/waiter.js'
import { type Endpoint, READABLE, WRITABLE } from './adapter.js'
import { type Credentials, Result } from './channel.js'
import { resultOf } from './descriptor-endpoint.js'
import { type ErrorContext, type IpcError, systemError, threadError } from './errors.js'

const { ECANCELED } = constants.errno

/**
 * A thread runs only while somebody waits: an endpoint that is not read takes nothing from others who
 * read the same object. What the thread had obtained when the wait was given up is received next.
 */
export abstract class WaiterEndpoint implements Endpoint {
  error: IpcError | undefined
  peer: Credentials | undefined
  onReady: (ready: number) => void = () => {}
  protected readonly errors: ErrorContext
  #reader: Waiter | undefined
  #writer: Waiter | undefined
  /** Why nothing can wait in this direction, while that is so. */
  #noReader: IpcError | undefined
  #noWriter: IpcError | undefined

  constructor(errors: ErrorContext) {
    this.errors = errors
  }

  abstract trySend(data: Uint8Array, priority: number): number
  abstract tryReceiveInto(target: Uint8Array): number
  /** A native waiter that obtains the next message or token; -errno where none can be had. */
  protected abstract openReader(): number
  /** A native waiter that ends when there is room; -errno where none can be had. */
  protected abstract openWriter(): number
  /** The error number that stands for `n` here. */
  protected translated(n: number): number {
    return n
  }

  get buffered(): boolean {
    return this.#reader?.kept === true
  }

  /**
   * What the reading thread obtained: >= 0; -EAGAIN while it still waits, or another -errno; undefined
   * where no wait was started, so that the caller may try by itself.
   */
  protected obtained(): number | undefined {
    if (this.#reader?.busy !== true) return undefined
    const result = this.#reader.take()
    return result === -ECANCELED ? undefined : result
  }

  /** What a receive answers for `n`: itself, or the `Result` for it, with `error` set where it is FAILED. */
  protected received(n: number, syscall: string): number {
    return this.#result(n, syscall, this.#noReader)
  }

  /** The same for a send. */
  protected sent(n: number, syscall: string): number {
    return this.#result(n, syscall, this.#noWriter)
  }

  #result(n: number, syscall: string, cannotWait: IpcError | undefined): number {
    if (n >= 0) return n
    const number = this.translated(n)
    const result = resultOf(number)
    if (result === Result.FAILED) this.error = systemError(number, syscall, this.errors)
    if (result !== Result.WOULD_BLOCK || cannotWait === undefined) return result
    this.error = cannotWait
    return Result.FAILED
  }

  /** The reading thread, made where there is none yet; undefined where none can be had. */
  protected get reader(): Waiter | undefined {
    if (this.#reader !== undefined) return this.#reader
    const handle = this.openReader()
    this.#noReader = handle < 0 ? threadError(handle, this.errors) : undefined
    if (handle >= 0) this.#reader = new Waiter(handle, () => this.onReady(READABLE))
    return this.#reader
  }

  /** The reading thread, if there is one already. */
  protected get startedReader(): Waiter | undefined {
    return this.#reader
  }

  protected get writer(): Waiter | undefined {
    if (this.#writer !== undefined) return this.#writer
    const handle = this.openWriter()
    this.#noWriter = handle < 0 ? threadError(handle, this.errors) : undefined
    if (handle >= 0)
      this.#writer = new Waiter(handle, () => {
        this.#writer?.take() // a failure shows at the next try
        this.onReady(WRITABLE)
      })
    return this.#writer
  }

  watch(interest: number): void {
    let refused = 0
    if (interest & READABLE) {
      const started = this.reader?.start()
      if (started !== undefined) this.#noReader = started < 0 ? systemError(started, 'epoll_ctl', this.errors) : undefined
      if (this.#noReader !== undefined) refused |= READABLE
    } else this.#reader?.stop()
    if (interest & WRITABLE) {
      const started = this.writer?.start()
      if (started !== undefined) this.#noWriter = started < 0 ? systemError(started, 'epoll_ctl', this.errors) : undefined
      if (this.#noWriter !== undefined) refused |= WRITABLE
    } else this.#writer?.stop()
    if (refused !== 0) queueMicrotask(() => this.onReady(refused)) // the next try says why
  }

  waitSync(interest: number, timeoutMs: number): number {
    const waiter = interest & READABLE ? this.reader : this.writer
    if (waiter === undefined) return interest // the next try says why
    if (!waiter.waitSync(timeoutMs)) {
      waiter.stop()
      return 0
    }
    if (interest & WRITABLE) waiter.take()
    return interest
  }

  /** These objects cannot tell an end: the peer waits for more. */
  end(): void {}

  close(): void {
    this.#reader?.close()
    this.#writer?.close()
  }
}
