/**
 * Several senders to one object that has no connections: a FIFO, a queue. Nobody acknowledges, for there is no way
 * back; what it has no room for waits. A message tells its sender and its number, so that each sender's are
 * seen to come whole and in order.
 */
import type { Sender } from '../core/channel.js'
import type { Exchange, Run } from './exchange.js'
import { Pattern, WrongMessage } from './payload.js'

/** What all writers of a FIFO write whole: PIPE_BUF. pipe(7) */
export const WHOLE_BYTES = 4096
/** Of a sequence number: above it stands who sends. */
const NUMBER_BITS = 24
const NUMBERS = 2 ** NUMBER_BITS
/** Messages between two looks at the clock. */
const BATCH = 32

const sequenceOf = (sender: number, number: number): number => sender * NUMBERS + (number % NUMBERS)

export class SharedSender {
  readonly #sender: Sender
  readonly #pattern: Pattern
  readonly #index: number
  #sent = 0

  constructor(sender: Sender, { payloadBytes }: Pick<Exchange, 'payloadBytes'>, index: number) {
    this.#sender = sender
    this.#pattern = new Pattern(payloadBytes)
    this.#index = index
  }

  async run(durationMs: number): Promise<Run> {
    const before = this.#sent
    const start = performance.now()
    do {
      for (let i = 0; i < BATCH; i++) await this.#sender.send(this.#pattern.message(sequenceOf(this.#index, this.#sent++)))
    } while (performance.now() - start < durationMs)
    return { count: this.#sent - before, lost: 0, elapsedMs: performance.now() - start }
  }
}

/** Verifies what comes, in the background. */
export class SharedReceiver {
  readonly #pattern: Pattern
  readonly #next: number[]
  #arrived = 0
  #wanted = Number.POSITIVE_INFINITY
  #settle = () => {}

  constructor(
    receiver: AsyncIterable<Uint8Array>,
    { payloadBytes, senders = 1 }: Pick<Exchange, 'payloadBytes'> & { readonly senders?: number },
  ) {
    this.#pattern = new Pattern(payloadBytes)
    this.#next = Array(senders).fill(0)
    this.failed = this.#take(receiver, payloadBytes)
  }

  /** Rejects with what came wrong; settles at the end. */
  readonly failed: Promise<void>

  /** Settles when so many have come since the first. */
  arrived(total: number): Promise<void> {
    return new Promise((settle) => {
      this.#settle = settle
      this.#wanted = total
      this.#look()
    })
  }

  #look(): void {
    if (this.#arrived < this.#wanted) return
    this.#wanted = Number.POSITIVE_INFINITY
    this.#settle()
  }

  /** A stream gives bytes as they come: several messages, and perhaps a part of one. */
  async #take(receiver: AsyncIterable<Uint8Array>, bytes: number): Promise<void> {
    let rest = new Uint8Array(0)
    for await (const chunk of receiver) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = 0
      for (; at + bytes <= data.length; at += bytes) this.#check(data.subarray(at, at + bytes))
      rest = data.slice(at)
      this.#look()
    }
  }

  #check(data: Uint8Array): void {
    const sender = Math.floor(this.#pattern.sequenceOf(data) / NUMBERS)
    const number = this.#next[sender]
    if (number === undefined) throw new WrongMessage(`a message of sender ${sender} arrived, which there is not`)
    this.#pattern.check(data, sequenceOf(sender, number))
    this.#next[sender] = number + 1
    this.#arrived++
  }
}
