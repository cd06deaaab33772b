/** Runs one trial: launch after launch, each between processes that are all fresh. */

import { type Costs, costsOf } from './costs.js'
import { type Durations, lengthOf, readyWithin } from './durations.js'
import { type Launched, PairLaunch, START_GRACES } from './launch.js'
import { measurementOf } from './measurement.js'
import type { Order } from './order.js'
import { type Command, Pair, PairFailure } from './pair.js'
import { allowedProcessors, processorsFor } from './placement.js'
import type { Outcome, Processors } from './record.js'
import type { Trial } from './trial.js'

/** Without an answer so long after it was due, a pair has failed. */
const GRACE_MS = 5000
/** The sides end themselves a little later, should this process be dead by then. */
const OWN_GRACE_MS = 2000
/** Probes, pauses, and the last sample of each round, which may be the start of a process. */
const BETWEEN_MS = 1500
/** A launch that is ready may have to wait until another one is over. */
const TURN_MS = 120_000

const ECHO = new URL('./echo.js', import.meta.url)

export interface TrialOptions {
  readonly signal?: AbortSignal | undefined
  /** The module of the other side; default the honest one. It calls `serveTrial`. */
  readonly echo?: URL
  /** Milliseconds past its time after which a pair has failed. */
  readonly graceMs?: number
  /** The folder of the C floors. */
  readonly floors?: string
}

export const notRun: Outcome = { status: 'not-run', reason: 'the run was ended before' }

/** What ends the run may have ended the sides of a trial before. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

/** A trial under way. None of its methods rejects: why it has no figures is in its outcome. */
export class TrialRun {
  readonly trial: Trial
  readonly #options: TrialOptions
  readonly #processors: Processors | string
  readonly #launched: Launched[] = []
  readonly #pairs = new Set<Pair>()
  readonly #abort = () => {
    for (const pair of this.#pairs) pair.destroy(new PairFailure('the run was ended before'))
  }
  #launch: PairLaunch | undefined
  #failure: Outcome | undefined
  #costs: Costs = {}

  constructor(trial: Trial, options: TrialOptions) {
    this.trial = trial
    this.#options = options
    this.#processors = processorsFor(trial, allowedProcessors())
    if (trial.unavailable !== undefined) this.#failure = { status: 'unavailable', reason: trial.unavailable }
    else if (trial.impossible !== undefined) this.#failure = { status: 'impossible', reason: trial.impossible }
    else if (typeof this.#processors === 'string') this.#failure = { status: 'impossible', reason: this.#processors }
  }

  /** How many were measured to their end. */
  get launches(): number {
    return this.#launched.length
  }

  /** Starts the processes of its next launch. Settles when they have met. */
  async start(durations: Durations): Promise<void> {
    await this.#attempt(async () => {
      const { graceMs = GRACE_MS, floors } = this.#options
      this.#launch = new PairLaunch(this.#order(durations), { ...durations, graceMs, floors }, this.#start)
      await this.#launch.ready()
    })
  }

  /** After `start`: to the end of these processes. */
  async measure(): Promise<void> {
    await this.#attempt(async () => {
      if (this.#launch !== undefined) this.#launched.push(await this.#launch.measure())
    })
    await this.#clear()
  }

  /** After the launches: counts what each message costs, where the plan says so. */
  async count(durations: Durations): Promise<void> {
    if (this.#launched.length === 0 || !this.trial.costs) return
    await this.#attempt(async () => {
      const costs = await costsOf(this.#order(durations), this.#start, this.#options.graceMs ?? GRACE_MS)
      if (!isAborted(this.#options.signal)) this.#costs = costs
    })
    await this.#clear()
  }

  /** Of all launches until now. */
  outcome(): Outcome {
    if (this.#failure !== undefined) return this.#failure
    if (this.#launched.length === 0) return notRun
    const measured = measurementOf(this.trial, this.#launched)
    if (typeof measured === 'string') return { status: 'failed', reason: measured }
    return { status: 'measured', processors: this.#processors as Processors, ...measured, ...this.#costs }
  }

  #order(durations: Durations): Order {
    const { graceMs = GRACE_MS, echo = ECHO } = this.#options
    const { trial } = this
    return {
      trial,
      processors: this.#processors as Processors,
      warmupMs: durations.warmupMs,
      echo: echo.href,
      limitMs:
        TURN_MS +
        readyWithin(trial, durations) +
        lengthOf(durations, trial.floor) +
        durations.rounds * BETWEEN_MS +
        (START_GRACES + 1) * graceMs +
        OWN_GRACE_MS,
    }
  }

  readonly #start = (command: Command): Pair => {
    const { signal } = this.#options
    signal?.throwIfAborted()
    if (this.#pairs.size === 0) signal?.addEventListener('abort', this.#abort, { once: true })
    const pair = new Pair(command)
    this.#pairs.add(pair)
    return pair
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined || isAborted(this.#options.signal)) return
    try {
      await step()
    } catch (error) {
      this.#launch = undefined
      if (isAborted(this.#options.signal)) return
      this.#failure = {
        status: error instanceof PairFailure ? error.status : 'failed',
        reason: error instanceof Error ? error.message : String(error),
      }
    }
  }

  async #clear(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#launch = undefined
    await Promise.all([...this.#pairs].map((pair) => pair.destroy()))
    this.#pairs.clear()
  }
}

/** All of a trial at once. Never rejects. */
export async function runTrial(trial: Trial, options: TrialOptions & Durations & { readonly launches?: number }): Promise<Outcome> {
  const run = new TrialRun(trial, options)
  for (let i = 0; i < (options.launches ?? 1); i++) {
    await run.start(options)
    await run.measure()
  }
  await run.count(options)
  return run.outcome()
}
