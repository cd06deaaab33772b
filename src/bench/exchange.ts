/**
 * Exchanges in a closed loop, both sides of each, over a port. They close it by themselves: in a round trip by
 * its reply, in a throughput trial by an acknowledgement a batch, of which two are on their way.
 *
 * Every message is verified by who receives it. A mechanism that drops by nature gets a timeout and a
 * count of what was lost; on any other a loss fails the trial.
 */
import { TimeHistogram } from './histogram.js'
import { Pattern, WrongMessage } from './payload.js'
import { lasting } from './peers/lasting.js'
import { type BlockingPort, blocks, type Port } from './port.js'
import type { Trial } from './trial.js'

/** After so long without a reply a message of a lossy mechanism counts as lost. */
export const LOSS_MS = 50
/** The clock costs tens of nanoseconds: a shorter time than this is taken of several round trips at once. */
const SHORT_MS = 0.001
const BATCH_MS = 0.02

export type Exchange = Pick<Trial, 'workload' | 'payloadBytes' | 'wait' | 'lossy' | 'batchMessages' | 'ackBytes' | 'ratePerSecond'>

/** What one run of an exchange gives. */
export interface Run {
  /** Round trips, or messages one way. */
  readonly count: number
  readonly lost: number
  readonly elapsedMs: number
  /** The median time in µs. */
  readonly p50?: number
}

/** The side that measures. Runs follow each other. */
export interface Pinger {
  readonly batch: number
  run(durationMs: number): Promise<Run>
  /** After a run that warmed up: forgets its times, and takes batches of round trips where one is too short for the clock. */
  warmedUp(run: Run): void
  /** Over all runs, of a workload that times. */
  times(): TimeHistogram | undefined
}

export const ended = () => new WrongMessage('the channel ended in the middle of the exchange')

export class RoundTrips implements Pinger {
  batch = 1
  readonly #port: Port
  readonly #pattern: Pattern
  readonly #lossy: boolean
  readonly #round = new TimeHistogram()
  readonly #all = new TimeHistogram()
  #sequence = 0
  #lost = 0

  constructor(port: Port, exchange: Exchange) {
    this.#port = port
    this.#pattern = new Pattern(exchange.payloadBytes)
    this.#lossy = exchange.lossy
  }

  warmedUp({ p50 = Number.POSITIVE_INFINITY }: Run): void {
    this.#all.reset()
    const ms = p50 / 1000
    if (ms < SHORT_MS && !this.#lossy) this.batch = Math.ceil(BATCH_MS / Math.max(ms, 1e-5))
  }

  times(): TimeHistogram {
    return this.#all
  }

  async run(durationMs: number): Promise<Run> {
    const port = this.#port
    const batch = this.batch
    const times = this.#round
    times.reset()
    const start = performance.now()
    const end = start + durationMs
    this.#lost = 0
    let now = start
    do {
      if (this.#lossy) times.record(await this.#lossyTrip())
      else {
        const before = performance.now()
        if (blocks(port)) this.#tripsNow(port, batch)
        else await this.#trips(batch)
        times.record((performance.now() - before) / batch)
      }
      now = performance.now()
    } while (now < end)
    this.#all.add(times)
    return { count: times.count * batch, lost: this.#lost, elapsedMs: now - start, p50: times.at(50) }
  }

  async #trips(count: number): Promise<void> {
    const port = this.#port
    const pattern = this.#pattern
    for (let i = 0; i < count; i++) {
      const sequence = this.#sequence++
      const sent = port.send(pattern.message(sequence))
      if (sent !== undefined) await sent
      const got = port.receive()
      const reply = got instanceof Promise ? await got : got
      if (reply === null) throw ended()
      pattern.check(reply, sequence)
    }
  }

  #tripsNow(port: BlockingPort, count: number): void {
    const pattern = this.#pattern
    const end = this.#sequence + count
    for (let sequence = this.#sequence; sequence < end; sequence++) {
      port.send(pattern.message(sequence))
      const reply = port.receive()
      if (reply === null) throw ended()
      pattern.check(reply, sequence)
    }
    this.#sequence = end
  }

  /** The time of one round trip, after however many that were lost. */
  async #lossyTrip(): Promise<number> {
    for (;;) {
      const before = performance.now()
      const sequence = this.#sequence++
      await this.#port.send(this.#pattern.message(sequence))
      for (;;) {
        const reply = await this.#port.receiveWithin(LOSS_MS)
        if (reply === null) throw ended()
        if (reply === undefined) break
        const claimed = this.#pattern.sequenceOf(reply)
        this.#pattern.check(reply, claimed)
        if (claimed === sequence) return performance.now() - before
        if (claimed > sequence) throw new WrongMessage(`message ${claimed} came back before it was sent`)
      }
      this.#lost++
    }
  }
}

export class Throughput implements Pinger {
  readonly batch = 1
  readonly #port: Port
  readonly #pattern: Pattern
  readonly #acks: Pattern
  readonly #size: number
  readonly #lossy: boolean
  /** What nobody awaits has memory of its own until it is in the kernel. */
  readonly #lasting: ((data: Uint8Array) => Uint8Array) | undefined
  #sent = 0
  #acknowledged = 0

  /** `gathered`: a batch is awaited, and not each message. */
  constructor(port: Port, exchange: Exchange, gathered = false) {
    this.#port = port
    this.#pattern = new Pattern(exchange.payloadBytes)
    this.#acks = new Pattern(exchange.ackBytes)
    this.#size = exchange.batchMessages
    this.#lossy = exchange.lossy
    this.#lasting = gathered ? lasting(2 * exchange.batchMessages) : undefined
  }

  warmedUp(): void {}

  times(): undefined {}

  async run(durationMs: number): Promise<Run> {
    const sentBefore = this.#sent
    const acknowledgedBefore = this.#acknowledged
    const start = performance.now()
    const end = start + durationMs
    if (this.#lossy)
      do {
        await this.#sendBatch()
        await this.#lossyAck()
      } while (performance.now() < end)
    else {
      await this.#sendBatch()
      do {
        await this.#sendBatch()
        await this.#ack()
      } while (performance.now() < end)
      await this.#ack()
    }
    const elapsedMs = performance.now() - start
    const count = this.#acknowledged - acknowledgedBefore
    return { count, lost: this.#sent - sentBefore - count, elapsedMs }
  }

  async #sendBatch(): Promise<void> {
    const port = this.#port
    const pattern = this.#pattern
    port.cork?.()
    if (blocks(port)) this.#sendNow(port)
    else if (this.#lasting !== undefined) await this.#sendGathered(port, this.#lasting)
    else
      for (let i = 0; i < this.#size; i++) {
        const sent = port.send(pattern.message(this.#sent++))
        if (sent !== undefined) await sent
      }
    port.uncork?.()
  }

  /** Sends settle in order: with the last of them all are in the kernel. */
  async #sendGathered(port: Port, lasting: (data: Uint8Array) => Uint8Array): Promise<void> {
    let last: Promise<void> | undefined
    for (let i = 0; i < this.#size; i++) {
      last = port.send(lasting(this.#pattern.message(this.#sent++)))
      last?.catch(() => {}) // the last one tells of a failure as well
    }
    await last
  }

  #sendNow(port: BlockingPort): void {
    const pattern = this.#pattern
    const end = this.#sent + this.#size
    for (let sequence = this.#sent; sequence < end; sequence++) port.send(pattern.message(sequence))
    this.#sent = end
  }

  async #ack(): Promise<void> {
    const ack = await this.#port.receive()
    if (ack === null) throw ended()
    this.#acknowledged += this.#size
    this.#acks.check(ack, this.#acknowledged)
  }

  /** Repeats the last message of the batch until its acknowledgement comes, which says how many had arrived. */
  async #lossyAck(): Promise<void> {
    for (;;) {
      const ack = await this.#port.receiveWithin(LOSS_MS)
      if (ack === null) throw ended()
      if (ack === undefined) {
        await this.#port.send(this.#pattern.message(this.#sent - 1))
        continue
      }
      const received = this.#acks.sequenceOf(ack)
      this.#acks.check(ack, received)
      // An earlier one, which came late: its message was repeated meanwhile.
      if (received <= this.#acknowledged) continue
      if (received > this.#sent) throw new WrongMessage(`${received} messages arrived of ${this.#sent}: repeated`)
      this.#acknowledged = received
      return
    }
  }
}

export async function answerRoundTrips(port: Port, exchange: Exchange): Promise<void> {
  const pattern = new Pattern(exchange.payloadBytes)
  if (blocks(port) && !exchange.lossy) return answerRoundTripsNow(port, pattern)
  for (let expected = 0; ; expected++) {
    const got = port.receive()
    const data = got instanceof Promise ? await got : got
    if (data === null) return
    pattern.check(data, exchange.lossy ? pattern.sequenceOf(data) : expected)
    const sent = port.send(data)
    if (sent !== undefined) await sent
  }
}

function answerRoundTripsNow(port: BlockingPort, pattern: Pattern): void {
  for (let expected = 0; ; expected++) {
    const data = port.receive()
    if (data === null) return
    pattern.check(data, expected)
    port.send(data)
  }
}

export async function answerThroughput(port: Port, exchange: Exchange): Promise<void> {
  const { lossy, batchMessages } = exchange
  const pattern = new Pattern(exchange.payloadBytes)
  const acks = new Pattern(exchange.ackBytes)
  if (blocks(port) && !lossy) return answerThroughputNow(port, pattern, acks, batchMessages)
  let received = 0
  let last = -1
  for (;;) {
    const got = port.receive()
    const data = got instanceof Promise ? await got : got
    if (data === null) return
    const sequence = lossy ? pattern.sequenceOf(data) : received
    pattern.check(data, sequence)
    if (sequence > last) received++
    last = Math.max(last, sequence)
    if ((sequence + 1) % batchMessages === 0) {
      const sent = port.send(acks.message(received))
      if (sent !== undefined) await sent
    }
  }
}

function answerThroughputNow(port: BlockingPort, pattern: Pattern, acks: Pattern, batch: number): void {
  for (let received = 0; ; ) {
    const end = received + batch
    while (received < end) {
      const data = port.receive()
      if (data === null) return
      pattern.check(data, received++)
    }
    port.send(acks.message(received))
  }
}
