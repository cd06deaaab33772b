/** What endpoints over kernel objects that poll(2) cannot watch have in common: a waiting thread a direction. */
import { constants } from 'node:os'
import { Waiter } from '../native/waiter.js'
import { type Endpoint, READABLE, WRITABLE } from './adapter.js'
import { type Credentials, Result } from './channel.js'
import { resultOf } from './descriptor-endpoint.js'
import { type ErrorContext, type IpcError, systemError } from './errors.js'

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

  constructor(errors: ErrorContext) {
    this.errors = errors
  }

  abstract trySend(data: Uint8Array, priority: number): number
  abstract tryReceiveInto(target: Uint8Array): number
  /** A native waiter that obtains the next message or token; throws where there can be none. */
  protected abstract openReader(): number
  /** A native waiter that ends when there is room; throws where there can be none. */
  protected abstract openWriter(): number

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

  /** `n` itself, or the `Result` for it, with `error` set where it is FAILED. */
  protected result(n: number, syscall: string): number {
    if (n >= 0) return n
    const result = resultOf(n)
    if (result === Result.FAILED) this.error = systemError(n, syscall, this.errors)
    return result
  }

  protected get reader(): Waiter {
    this.#reader ??= new Waiter(this.openReader(), () => this.onReady(READABLE))
    return this.#reader
  }

  protected get writer(): Waiter {
    this.#writer ??= new Waiter(this.openWriter(), () => {
      this.#writer?.take() // a failure shows at the next try
      this.onReady(WRITABLE)
    })
    return this.#writer
  }

  watch(interest: number): void {
    if (interest & READABLE) this.reader.start()
    else this.#reader?.stop()
    if (interest & WRITABLE) this.writer.start()
    else this.#writer?.stop()
  }

  waitSync(interest: number, timeoutMs: number): number {
    const waiter = interest & READABLE ? this.reader : this.writer
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
