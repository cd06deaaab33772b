/** How often each trial of a plan is launched and for how long, so that all together take the time that there is. */
import { WARMUPS } from './protocol.js'
import type { Workload } from './record.js'
import type { Trial } from './trial.js'

type Lengthy = Pick<Trial, 'workload' | 'floor' | 'costs'>

/** Of one launch: what is discarded, in ms, and the rounds that are measured. */
export interface Durations {
  readonly warmupMs: number
  readonly roundMs: number
  /** Of each pair. */
  readonly rounds: number
}

/** The same for all trials of a plan. */
export interface Schedule {
  /** Of a trial whose figures are compared with those of other runs. */
  readonly launches: number
  /** Of each launch, where a round has the usual length. */
  readonly rounds: number
}

/** Enough to know how far launches differ; more would leave too little time for each. */
const MOST_LAUNCHES = 4
/** Without C beside it a figure follows the machine, and is not compared with other runs. */
const MOST_WITHOUT_FLOOR = 2
/** Long enough for hundreds of samples, and so short that a launch sees the scheduler decide several times. */
const ROUND_MS = 25
/** Enough for a median that one disturbed round does not move. */
const FEWEST_ROUNDS = 6
const MOST_ROUNDS = 40
/** Those who measure processes that start, or at a fixed rate, have longer rounds, and more time. */
const LONG_ROUND_MS: Partial<Record<Workload, number>> = { rendezvous: 400, 'one-way': 100 }
const WEIGHT: Partial<Record<Workload, number>> = { rendezvous: 6, 'one-way': 2 }

/** Figures taken before V8 has compiled all of both sides are several times too high. */
const WARMUP_MS = 100
/** With those of 100 ms that are repeated until enough messages were exchanged, mostly. */
const WARM_MS = 180
/** To start and to end the processes of a launch, of which two are started at a time. */
const START_MS = 380
/** A floor warms up after ours has. */
const FLOOR_MS = 60
/** Probes and the costs read before and after a round. */
const TURN_MS = 5
/** Counting system calls and garbage takes two more pairs. */
const COSTS_MS = 1800
/** Until the sides can begin: processes of more senders, a thousand channels. */
const PREPARATION_MS: Partial<Record<Workload, number>> = { 'fan-in': 600, idle: 3000 }
/** The most that may take, on a machine that does something else besides. */
const LATEST_FACTOR = 4

const preparationMs = (workload: Workload): number => PREPARATION_MS[workload] ?? 0

/** How many launches a trial has of those that there may be: every rendezvous is a launch by itself, and a thousand channels take long. */
export function launchesOf({ workload, floor }: Pick<Lengthy, 'workload' | 'floor'>, most: number): number {
  if (workload === 'rendezvous' || workload === 'idle') return 1
  return floor ? most : Math.min(most, MOST_WITHOUT_FLOOR)
}

export function durationsFor({ workload }: Pick<Lengthy, 'workload'>, { rounds }: Pick<Schedule, 'rounds'>): Durations {
  const roundMs = LONG_ROUND_MS[workload] ?? ROUND_MS
  const measuredMs = rounds * ROUND_MS * (WEIGHT[workload] ?? 1)
  return { warmupMs: WARMUP_MS, roundMs, rounds: Math.max(1, Math.round(measuredMs / roundMs)) }
}

/** The most that the rounds of a launch take. */
export const lengthOf = ({ roundMs, rounds }: Durations, floor: boolean): number => (roundMs + TURN_MS) * rounds * (floor ? 2 : 1)

/** About how long one launch takes. */
const launchMs = (trial: Lengthy, schedule: Pick<Schedule, 'rounds'>): number =>
  START_MS + preparationMs(trial.workload) + WARM_MS + (trial.floor ? FLOOR_MS : 0) + lengthOf(durationsFor(trial, schedule), trial.floor)

const trialMs = (trial: Lengthy, schedule: Schedule): number =>
  launchesOf(trial, schedule.launches) * launchMs(trial, schedule) + countingMs(trial.costs ? 1 : 0)

/** What counting costs takes of so many trials, about. */
export const countingMs = (trials: number): number => trials * COSTS_MS

/** About how long these trials take. */
export const expectedMs = (trials: readonly Lengthy[], schedule: Schedule): number =>
  trials.reduce((sum, trial) => sum + trialMs(trial, schedule), 0)

/** What these launches take at the least, whatever the budget says. */
export const shortestMs = (launches: readonly Lengthy[]): number =>
  launches.reduce((sum, trial) => sum + launchMs(trial, { rounds: FEWEST_ROUNDS }), 0)

/** As many launches as there is time for, and then as many rounds. */
export function scheduleFor(trials: readonly Lengthy[], budgetMs: number): Schedule {
  const fits = (schedule: Schedule) => expectedMs(trials, schedule) <= budgetMs
  for (let launches = MOST_LAUNCHES; launches > 0; launches--)
    for (let rounds = MOST_ROUNDS; rounds >= FEWEST_ROUNDS; rounds--) if (fits({ launches, rounds })) return { launches, rounds }
  return { launches: 1, rounds: FEWEST_ROUNDS }
}

/** Where the user says for how long to measure, in ms. */
export function scheduleOf(measuredMs: number): Schedule {
  const rounds = measuredMs / ROUND_MS
  const launches = Math.max(1, Math.min(MOST_LAUNCHES, Math.floor(rounds / FEWEST_ROUNDS)))
  return { launches, rounds: Math.max(1, Math.round(rounds / launches)) }
}

/** So many rounds of those planned as are left time for, on a machine that is slower than thought. Of a launch each. */
export function affordableRounds(launches: readonly Lengthy[], planned: number, leftMs: number): number {
  const least = shortestMs(launches)
  const most = launches.reduce((sum, trial) => sum + launchMs(trial, { rounds: planned }), 0)
  if (most <= leftMs || planned <= FEWEST_ROUNDS) return planned
  return Math.max(FEWEST_ROUNDS, Math.floor(FEWEST_ROUNDS + ((leftMs - least) / (most - least)) * (planned - FEWEST_ROUNDS)))
}

/** The latest at which a pair of the trial is ready or warm, in ms, not counting the grace that every answer gets. */
export const readyWithin = ({ workload }: Pick<Trial, 'workload'>, { warmupMs }: Pick<Durations, 'warmupMs'>): number =>
  warmupMs * WARMUPS + preparationMs(workload) * LATEST_FACTOR
