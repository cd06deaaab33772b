/**
 * One way at a fixed rate, an open loop: the sender sends each message when it is due, whether the ones
 * before have arrived or not, and stamps it with that time, so that what waits behind a late message
 * counts as late, too. Both processes read the same clock. The side that measures receives.
 */
import { type Exchange, ended, LOSS_MS, type Pinger, type Run } from './exchange.js'
import { TimeHistogram } from './histogram.js'
import { Pattern } from './payload.js'
import type { Port } from './port.js'

/** Where in a message its time is, a double in milliseconds. */
const STAMP_AT = 4
const STAMP_BYTES = 8
/** Between the word to begin and the first message. */
const LEAD_MS = 1
const DEFAULT_RATE = 5000

/** `performance.now()` of this process counts from its own start; CLOCK_MONOTONIC is everybody's. clock_gettime(2) */
const clockOffsetMs = (() => {
  let best = Number.POSITIVE_INFINITY
  let offset = 0
  for (let i = 0; i < 1000; i++) {
    const before = performance.now()
    const [seconds, nanoseconds] = process.hrtime()
    const after = performance.now()
    if (after - before >= best) continue
    best = after - before
    offset = seconds * 1000 + nanoseconds / 1e6 - (before + after) / 2
  }
  return offset
})()

const monotonicMs = (): number => performance.now() + clockOffsetMs

/** Messages that also carry the time at which they were due. */
class StampedPattern {
  readonly #pattern: Pattern
  readonly #stamp = new Float64Array(1)
  readonly #stampBytes = new Uint8Array(this.#stamp.buffer)

  constructor(bytes: number) {
    this.#pattern = new Pattern(bytes)
  }

  message(sequence: number, dueMs: number): Uint8Array {
    const data = this.#pattern.message(sequence)
    this.#stamp[0] = dueMs
    for (let i = 0; i < STAMP_BYTES; i++) data[STAMP_AT + i] = this.#stampBytes[i] as number
    return data
  }

  sequenceOf(data: Uint8Array): number {
    return this.#pattern.sequenceOf(data)
  }

  /** When the message was due. Throws `WrongMessage` unless all the rest of it is as it was sent. */
  check(data: Uint8Array, sequence: number): number {
    for (let i = 0; i < STAMP_BYTES; i++) this.#stampBytes[i] = data[STAMP_AT + i] ?? 0
    const dueMs = this.#stamp[0] as number
    this.message(sequence, dueMs)
    this.#pattern.check(data, sequence)
    return dueMs
  }
}

export class OneWay implements Pinger {
  readonly batch = 1
  readonly #port: Port
  readonly #exchange: Exchange
  readonly #pattern: StampedPattern
  readonly #words: Pattern
  readonly #round = new TimeHistogram()
  readonly #all = new TimeHistogram()
  #next = 0

  constructor(port: Port, exchange: Exchange) {
    this.#port = port
    this.#exchange = exchange
    this.#pattern = new StampedPattern(exchange.payloadBytes)
    this.#words = new Pattern(exchange.ackBytes)
  }

  warmedUp(): void {
    this.#all.reset()
  }

  times(): TimeHistogram {
    return this.#all
  }

  async run(durationMs: number): Promise<Run> {
    const { ratePerSecond = DEFAULT_RATE } = this.#exchange
    const intervalMs = 1000 / ratePerSecond
    const wanted = Math.max(1, Math.round(durationMs / intervalMs))
    const round = this.#round
    round.reset()
    await this.#port.send(this.#words.message(wanted))
    const end = this.#next + wanted
    let firstDueMs = 0
    let nowMs = 0
    while (this.#next < end) {
      const data = await this.#receive()
      if (data === null) throw ended()
      if (data === undefined) break // what was sent last was lost
      nowMs = monotonicMs()
      const sequence = this.#exchange.lossy ? this.#pattern.sequenceOf(data) : this.#next
      const dueMs = this.#pattern.check(data, sequence)
      if (sequence < this.#next) continue // of an earlier round
      if (round.count === 0) firstDueMs = dueMs - (sequence - (end - wanted)) * intervalMs
      this.#next = sequence + 1
      round.record(nowMs - dueMs)
    }
    this.#next = end
    this.#all.add(round)
    return {
      count: round.count,
      lost: wanted - round.count,
      elapsedMs: Math.max(wanted * intervalMs, nowMs - firstDueMs),
      p50: round.at(50),
    }
  }

  #receive(): ReturnType<Port['receiveWithin']> {
    return this.#exchange.lossy ? this.#port.receiveWithin(LOSS_MS) : this.#port.receive()
  }
}

/** The side that sends, as many messages as each word asks for. */
export async function answerOneWay(port: Port, exchange: Exchange): Promise<void> {
  const { ratePerSecond = DEFAULT_RATE, wait } = exchange
  const intervalMs = 1000 / ratePerSecond
  const pattern = new StampedPattern(exchange.payloadBytes)
  const words = new Pattern(exchange.ackBytes)
  let sequence = 0
  for (;;) {
    const word = await port.receive()
    if (word === null) return
    const count = words.sequenceOf(word)
    words.check(word, count)
    const startMs = monotonicMs() + LEAD_MS
    for (let i = 0; i < count; i++) {
      const dueMs = startMs + i * intervalMs
      while (monotonicMs() < dueMs) if (wait === 'poll') await turn()
      const sent = port.send(pattern.message(sequence++, dueMs))
      if (sent !== undefined) await sent
    }
  }
}

/** One turn of the event loop. */
const turn = () => new Promise<void>((settle) => setImmediate(settle))
