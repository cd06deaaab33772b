/** Runs one trial: its pairs by turns, in rounds, between processes that are all fresh. */

import { floorCommand, nodeCommand } from './commands.js'
import { costsOf } from './costs.js'
import { type Durations, lengthOf, readyWithin } from './durations.js'
import { figuresOf, roundValue } from './figures.js'
import type { Order } from './order.js'
import { type Command, Pair, PairFailure } from './pair.js'
import { allowedProcessors, processorsFor } from './placement.js'
import { probe } from './probe.js'
import { type Farewell, type Round, SPIN_MS } from './protocol.js'
import { ratioOf } from './ratio.js'
import type { Floor, Measurement, Outcome } from './record.js'
import type { Trial } from './trial.js'

/** Without an answer so long after it was due, a pair has failed. */
const GRACE_MS = 5000
/** Of these for two processes to start and warm up, which a busy machine delays the most. */
const START_GRACES = 3
/** The sides end themselves a little later, should this process be dead by then. */
const OWN_GRACE_MS = 2000
/** The share of a fixed rate that must arrive in time, late ones at the end of a round being part of that. */
const KEPT = 0.95
/** Probes, pauses, and the last sample of each round, which may be the start of a process. */
const BETWEEN_MS = 1500

const ECHO = new URL('./echo.js', import.meta.url)

export interface TrialOptions extends Durations {
  readonly signal?: AbortSignal | undefined
  /** The module of the other side; default the honest one. It calls `serveTrial`. */
  readonly echo?: URL
  /** Milliseconds past its time after which a pair has failed. */
  readonly graceMs?: number
  /** The folder of the C floors. */
  readonly floors?: string
}

export const notRun: Outcome = { status: 'not-run', reason: 'the run was ended before' }

/** Never rejects. */
export async function runTrial(trial: Trial, options: TrialOptions): Promise<Outcome> {
  if (trial.unavailable !== undefined) return { status: 'unavailable', reason: trial.unavailable }
  if (trial.impossible !== undefined) return { status: 'impossible', reason: trial.impossible }
  const processors = processorsFor(trial, allowedProcessors())
  if (typeof processors === 'string') return { status: 'impossible', reason: processors }
  const { warmupMs, rounds, graceMs = GRACE_MS, signal } = options
  const order: Order = {
    trial,
    processors,
    warmupMs,
    echo: (options.echo ?? ECHO).href,
    limitMs:
      readyWithin(trial, options) + lengthOf(options, trial.floor) + rounds * BETWEEN_MS + (START_GRACES + 1) * graceMs + OWN_GRACE_MS,
  }
  const started: Pair[] = []
  const ended = new PairFailure('the run was ended before')
  const abort = () => {
    for (const pair of started) pair.destroy(ended)
  }
  signal?.addEventListener('abort', abort, { once: true })
  const start = (command: Command): Pair => {
    signal?.throwIfAborted()
    const pair = new Pair(command)
    started.push(pair)
    return pair
  }
  try {
    const measured = await measure(order, options, start)
    const costs = trial.costs ? await costsOf(order, start, graceMs) : {}
    return { status: 'measured', processors, ...measured, ...costs }
  } catch (error) {
    if (isAborted(signal)) return notRun
    if (error instanceof PairFailure) return { status: error.status, reason: error.message }
    return { status: 'failed', reason: error instanceof Error ? error.message : String(error) }
  } finally {
    signal?.removeEventListener('abort', abort)
    await Promise.all(started.map((pair) => pair.destroy()))
  }
}

/** What ends the run may have ended the sides of a trial before. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

async function measure(order: Order, options: TrialOptions, start: (command: Command) => Pair): Promise<Measurement> {
  const { trial, processors } = order
  const { roundMs, rounds, graceMs = GRACE_MS } = options
  const readyMs = readyWithin(trial, options) + START_GRACES * graceMs
  const ours = start(nodeCommand(order))
  await ours.ready(readyMs)
  // Not at the same time: neither shall warm up in the other's way.
  const floor = new FloorSide(order, options.floors, start)
  await floor.ready(readyMs)
  const own: Round[] = []
  const probes: (number | undefined)[] = []
  const ourTurn = async () => void own.push(await ours.run(roundMs, roundMs + graceMs))
  const floorTurn = () => floor.run(roundMs, roundMs + graceMs)
  for (let i = 0; i < rounds; i++) {
    const turns = floor.runs ? [ourTurn, floorTurn] : [ourTurn]
    for (const turn of i % 2 === 0 ? turns : turns.reverse()) {
      await quiet(trial)
      probes.push(probe(processors))
      await turn()
    }
  }
  await quiet(trial)
  probes.push(probe(processors))
  const farewell = await ours.end(graceMs)
  const rate = trial.ratePerSecond === undefined ? undefined : { wanted: trial.ratePerSecond, reached: rateOf(own) }
  if (rate !== undefined && rate.reached < KEPT * rate.wanted)
    throw new PairFailure(`the rate of ${rate.wanted} messages a second was missed: ${Math.round(rate.reached)} arrived`)
  const values = own.map(roundValue)
  const told = await floor.end(graceMs, values)
  return {
    ...figuresOf(own, farewell, trial),
    rounds: values,
    probesNs: probes.filter((ns) => ns !== undefined),
    ...(farewell.idle === undefined ? {} : { idle: farewell.idle }),
    ...(farewell.wrapper === undefined ? {} : { wrapper: farewell.wrapper }),
    ...(rate === undefined ? {} : { rate }),
    ...(told === undefined ? {} : { floor: told }),
  }
}

/** A side that spins goes on for a while. */
const quiet = async ({ wait }: Trial): Promise<void> => {
  if (wait === 'spin' || wait === 'adaptive') await new Promise((settle) => setTimeout(settle, SPIN_MS + 5))
}

/** The C floor of a trial, which may be none, or fail, without the trial's failing. */
class FloorSide {
  readonly #trial: Trial
  #pair: Pair | undefined
  readonly #rounds: Round[] = []
  #missing: Exclude<Floor, { status: 'measured' }> | undefined

  constructor(order: Order, folder: string | undefined, start: (command: Command) => Pair) {
    this.#trial = order.trial
    if (!order.trial.floor) return
    const command = floorCommand(order, folder)
    if (typeof command === 'string') this.#missing = { status: 'unavailable', reason: command }
    else this.#pair = start(command)
  }

  /** Whether it is there and has not failed. */
  get runs(): boolean {
    return this.#pair !== undefined
  }

  async ready(dueMs: number): Promise<void> {
    await this.#attempt((pair) => pair.ready(dueMs))
  }

  async run(durationMs: number, dueMs: number): Promise<void> {
    const round = await this.#attempt((pair) => pair.run(durationMs, dueMs))
    if (round !== undefined) this.#rounds.push(round)
  }

  /** `values`: of our rounds, which were run by turns with these. */
  async end(dueMs: number, values: readonly number[]): Promise<Floor | undefined> {
    const farewell: Farewell | undefined = await this.#attempt((pair) => pair.end(dueMs))
    if (farewell === undefined) return this.#missing
    const rounds = this.#rounds.map(roundValue)
    return { status: 'measured', ratio: ratioOf(values, rounds), rounds, ...figuresOf(this.#rounds, farewell, this.#trial) }
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

function rateOf(rounds: readonly Round[]): number {
  const sum = (figure: 'count' | 'elapsedMs') => rounds.reduce((total, round) => total + round[figure], 0)
  return sum('count') / (sum('elapsedMs') / 1000)
}
