/** Sends that go to the kernel together, in one system call where it takes them at once. */
import type { Waiting } from './base-channel.js'
import { Result } from './channel.js'

/** Well below what a pipe holds, so that a batch is likely to fit. pipe(7) */
const FULL_BYTES = 32 * 1024

export interface BatchHost {
  /** What is put from now on is collected, until `gather(false)`. */
  gather(on: boolean): void
  /** Hands over one message: a negative `Result` where it was not taken. */
  put(data: Uint8Array): number
  /** Gives the kernel what it takes: 0 when nothing is left, else a `Result`. */
  flush(): number
  /** So many bytes are not this queue's any more. */
  unqueue(bytes: number): void
  /** Only a full batch goes now. */
  readonly corked: boolean
  errorOf(result: number): Error
}

/** What a message counts in the queue. */
export const costOf = (data: Uint8Array): number => Math.max(1, data.length)

/** One call that waits, for many messages, which stay their callers' and settle together. */
export class SendBatch implements Waiting {
  readonly undoable = false
  readonly stop = () => {}
  /** Settles when the kernel owns all of them. */
  readonly sent: Promise<void>
  readonly #host: BatchHost
  readonly #messages: Uint8Array[] = []
  /** What of it is in the outbox, or in the kernel. */
  handed = 0
  #bytes = 0
  #next = 0
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(host: BatchHost) {
    this.#host = host
    this.sent = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get full(): boolean {
    return this.#bytes >= FULL_BYTES
  }

  add(data: Uint8Array): void {
    this.#messages.push(data)
    this.#bytes += costOf(data)
  }

  attempt(): boolean {
    const host = this.#host
    if (host.corked && !this.full) return false
    let result = this.#putAll()
    if (result >= 0) result = host.flush()
    if (result === Result.WOULD_BLOCK) return false
    if (result < 0) this.fail(host.errorOf(result))
    else {
      host.unqueue(this.#bytes)
      this.#resolve()
    }
    return true
  }

  #putAll(): number {
    const host = this.#host
    let result = 0
    host.gather(true)
    for (let data = this.#messages[this.#next]; data !== undefined; data = this.#messages[this.#next]) {
      result = host.put(data)
      if (result < 0) break
      this.handed += costOf(data)
      this.#next++
    }
    host.gather(false)
    return result
  }

  fail(error: unknown): void {
    this.#host.unqueue(this.#bytes)
    this.#reject(error)
  }
}
