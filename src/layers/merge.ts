/** Many receivers as one. */
import { setMaxListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type Bytes, type CallOptions, type Receiver, Result } from '../core/channel.js'
import { checkOptions, limit } from '../core/wait.js'

const SCRATCH_BYTES = 64 * 1024
/** So many messages are taken before the event loop gets a turn, in which the kernel tells what else is there. */
const BURST = 16

/**
 * The messages of all receivers, each with where it came from. Of those that have something, each is served in its
 * turn, one message at a time: one that floods starves nobody. Messages of one receiver keep their order.
 *
 * Ends when all have ended; a receiver that this side closes counts as ended. One that fails rejects the `next()` of
 * its turn with what `receive` rejects with, and takes no further part: another loop over the same iterator goes on
 * with the others. Leaving the loop closes nothing, and loses nothing: a message is taken from its receiver only when
 * it is handed out.
 *
 * `options` limit each `next()`.
 */
export function merge<C extends Receiver>(from: Iterable<C>, options: CallOptions = {}): AsyncIterableIterator<readonly [C, Bytes]> {
  return new Merged(from, options)
}

class Merged<C extends Receiver> implements AsyncIterableIterator<readonly [C, Bytes]> {
  readonly #options: CallOptions
  /** Those that may have something, the next to serve first. */
  readonly #ready: C[]
  /** Those that had nothing, until `waitReadable` tells. */
  readonly #waiting = new Set<C>()
  readonly #stopped = new AbortController()
  readonly #scratch = new Uint8Array(SCRATCH_BYTES)
  #wake = () => {}
  #calls: Promise<unknown> = Promise.resolve()
  #burst = 0

  constructor(from: Iterable<C>, options: CallOptions) {
    this.#options = options
    this.#ready = [...new Set(from)]
    setMaxListeners(0, this.#stopped.signal) // one a receiver is no leak
  }

  next(): Promise<IteratorResult<readonly [C, Bytes]>> {
    const next = this.#calls.then(() => this.#next())
    this.#calls = next.catch(() => {})
    return next
  }

  async #next(): Promise<IteratorResult<readonly [C, Bytes]>> {
    checkOptions(this.#options)
    if (this.#waiting.size > 0 && ++this.#burst > BURST) {
      this.#burst = 0
      await turn()
    }
    while (!this.#stopped.signal.aborted) {
      const receiver = this.#ready.shift()
      if (receiver !== undefined) {
        const data = await this.#take(receiver)
        if (data !== undefined) return { value: [receiver, data], done: false }
      } else if (this.#waiting.size > 0) await this.#anyReady()
      else break
    }
    return { value: undefined, done: true }
  }

  /** A message of `receiver`, which is then the last to be served again. */
  async #take(receiver: C): Promise<Bytes | undefined> {
    const n = receiver.tryReceiveInto(this.#scratch)
    if (n >= 0) {
      this.#ready.push(receiver)
      return this.#scratch.slice(0, n)
    }
    if (n === Result.END || n === Result.CLOSED) return undefined
    if (n === Result.WOULD_BLOCK || n === Result.BUSY) {
      this.#wait(receiver)
      return undefined
    }
    // A message longer than the scratch is there already, or the error to tell.
    const data = await receiver.receive()
    this.#ready.push(receiver)
    return data ?? undefined
  }

  #wait(receiver: C): void {
    this.#waiting.add(receiver)
    const ready = () => {
      if (!this.#waiting.delete(receiver)) return
      this.#ready.push(receiver)
      this.#wake()
    }
    receiver.waitReadable({ signal: this.#stopped.signal }).then(ready, ready)
  }

  #anyReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = limit(this.#options, {}, reject)
      this.#wake = () => {
        stop()
        resolve()
      }
    })
  }

  async return(): Promise<IteratorResult<readonly [C, Bytes]>> {
    this.#waiting.clear()
    this.#stopped.abort()
    this.#wake()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<readonly [C, Bytes]> {
    return this
  }
}
