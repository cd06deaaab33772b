/** One launch of a trial: its pairs, in fresh processes, by turns in rounds. */
import { floorCommand, nodeCommand } from './commands.js'
import { type Durations, readyWithin } from './durations.js'
import type { Order } from './order.js'
import { type Command, type Pair, PairFailure } from './pair.js'
import { probe } from './probe.js'
import { type Farewell, type Round, SPIN_MS } from './protocol.js'
import type { Floor } from './record.js'
import type { Trial } from './trial.js'

/** Of these, besides its time, for two processes to start and to warm up, which a busy machine delays the most. */
export const START_GRACES = 3

export type Start = (command: Command) => Pair

export interface LaunchOptions extends Durations {
  /** Milliseconds past its time after which a pair has failed. */
  readonly graceMs: number
  /** The folder of the C floors. */
  readonly floors?: string | undefined
}

/** What one pair gave. */
export interface Told {
  readonly rounds: readonly Round[]
  readonly farewell: Farewell
}

/** Why there is nothing of a floor. */
export type NoFloor = Exclude<Floor, { status: 'measured' }>

export interface Launched {
  readonly own: Told
  /** Absent where the trial has none. */
  readonly floor?: Told | NoFloor
  readonly probesNs: readonly number[]
}

/** Its processes start with it and wait then. Whatever fails rejects with a `PairFailure`. */
export class PairLaunch {
  readonly #order: Order
  readonly #options: LaunchOptions
  readonly #ours: Pair
  readonly #floor: FloorSide

  constructor(order: Order, options: LaunchOptions, start: Start) {
    this.#order = order
    this.#options = options
    this.#ours = start(nodeCommand(order))
    this.#floor = new FloorSide(order, options, start)
  }

  get #readyMs(): number {
    return readyWithin(this.#order.trial, this.#options) + START_GRACES * this.#options.graceMs
  }

  async ready(): Promise<void> {
    await this.#ours.ready(this.#readyMs)
  }

  /** After `ready`: to the end of all processes. */
  async measure(): Promise<Launched> {
    const { trial, processors } = this.#order
    const { roundMs, rounds, graceMs } = this.#options
    await this.#ours.warmUp(this.#readyMs)
    // Not at the same time: neither shall warm up in the other's way.
    await this.#floor.warmUp(this.#readyMs)
    const own: Round[] = []
    const probes: (number | undefined)[] = []
    const ourTurn = async () => void own.push(await this.#ours.run(roundMs, roundMs + graceMs))
    const floorTurn = () => this.#floor.run(roundMs, roundMs + graceMs)
    for (let i = 0; i < rounds; i++) {
      const turns = this.#floor.runs ? [ourTurn, floorTurn] : [ourTurn]
      for (const turn of i % 2 === 0 ? turns : turns.reverse()) {
        await quiet(trial)
        probes.push(probe(processors))
        await turn()
      }
    }
    await quiet(trial)
    probes.push(probe(processors))
    const [farewell, floor] = await Promise.all([this.#ours.end(graceMs), this.#floor.end(graceMs)])
    return { own: { rounds: own, farewell }, ...(floor && { floor }), probesNs: probes.filter((ns) => ns !== undefined) }
  }
}

/** A side that spins goes on for a while. */
const quiet = async ({ wait }: Trial): Promise<void> => {
  if (wait === 'spin' || wait === 'adaptive') await new Promise((settle) => setTimeout(settle, SPIN_MS + 5))
}

/** The C floor of a launch, which may be none, or fail, without the launch's failing. */
class FloorSide {
  #pair: Pair | undefined
  readonly #rounds: Round[] = []
  #missing: NoFloor | undefined

  constructor(order: Order, { floors }: LaunchOptions, start: Start) {
    if (!order.trial.floor) return
    const command = floorCommand(order, floors)
    if (typeof command === 'string') this.#missing = { status: 'unavailable', reason: command }
    else this.#pair = start(command)
  }

  /** Whether it is there and has not failed. */
  get runs(): boolean {
    return this.#pair !== undefined
  }

  async warmUp(dueMs: number): Promise<void> {
    await this.#attempt((pair) => pair.ready(dueMs))
    await this.#attempt((pair) => pair.warmUp(dueMs))
  }

  async run(durationMs: number, dueMs: number): Promise<void> {
    const round = await this.#attempt((pair) => pair.run(durationMs, dueMs))
    if (round !== undefined) this.#rounds.push(round)
  }

  async end(dueMs: number): Promise<Told | NoFloor | undefined> {
    const farewell = await this.#attempt((pair) => pair.end(dueMs))
    return farewell === undefined ? this.#missing : { rounds: this.#rounds, farewell }
  }

  async #attempt<T>(step: (pair: Pair) => Promise<T>): Promise<T | undefined> {
    if (this.#pair === undefined) return undefined
    try {
      return await step(this.#pair)
    } catch (error) {
      if (!(error instanceof PairFailure)) throw error
      this.#missing = { status: error.status, reason: error.message }
      this.#pair = undefined
      return undefined
    }
  }
}
