/** For how long each trial of a plan runs, so that all together take the time that there is. */
import { WARMUPS } from './protocol.js'
import type { Workload } from './record.js'
import type { Trial } from './trial.js'

type Lengthy = Pick<Trial, 'workload' | 'floor' | 'costs'>

/** Milliseconds of one trial: what is discarded, and the rounds that are measured. */
export interface Durations {
  readonly warmupMs: number
  readonly roundMs: number
  /** Of each pair. */
  readonly rounds: number
}

/** What starting and ending the processes of a trial takes, about. */
const OVERHEAD_MS = 700
/** A floor starts and warms up after ours has. */
const FLOOR_MS = 150
/** Counting system calls and garbage takes two more pairs. */
const COSTS_MS = 2200
const SHORTEST_UNIT_MS = 40
const LONGEST_UNIT_MS = 2000
/** Half: figures taken before V8 has compiled all of both sides are several times too high. */
const WARMUP_SHARE = 0.5
const LONGEST_WARMUP_MS = 600
/** Long enough for hundreds of samples and shorter than a state of the machine lasts. */
const SHORTEST_ROUND_MS = 35
const LONGEST_ROUND_MS = 200
/** Processes take so long to meet; a round shall have several meetings. */
const RENDEZVOUS_ROUND_MS = 400
/** The fewest whose median has a confidence interval of 95 %, and what is aimed at. */
const FEWEST_ROUNDS = 6
const WANTED_ROUNDS = 15

/** A round trip gives the fewest samples and runs the most code a sample: it gets twice the time. */
const WEIGHT: Record<Workload, number> = {
  'round-trip': 2,
  throughput: 1,
  gathered: 1,
  'one-way': 2,
  'fan-in': 1,
  rendezvous: 2,
  idle: 2,
  wrapper: 1,
}

/** Until the sides can begin: processes of more senders, a thousand channels. */
const PREPARATION_MS: Partial<Record<Workload, number>> = { 'fan-in': 1000, idle: 3000 }
/** The most that may take, on a machine that does something else besides. */
const LATEST_FACTOR = 4

const preparationMs = (workload: Workload): number => PREPARATION_MS[workload] ?? 0

const overheadOf = ({ workload, floor, costs }: Lengthy): number =>
  OVERHEAD_MS + preparationMs(workload) + (floor ? FLOOR_MS : 0) + (costs ? COSTS_MS : 0)
/** With a floor both measure. */
const shareOf = ({ workload, floor }: Lengthy): number => WEIGHT[workload] * (WARMUP_SHARE + (1 - WARMUP_SHARE) * (floor ? 2 : 1))

/** Milliseconds for each unit of weight, so that these trials take `leftMs` with all their processes. */
export function unitFor(trials: readonly Lengthy[], leftMs: number): number {
  const share = trials.reduce((sum, trial) => sum + shareOf(trial), 0)
  const overheadMs = trials.reduce((sum, trial) => sum + overheadOf(trial), 0)
  return Math.min(LONGEST_UNIT_MS, Math.max(SHORTEST_UNIT_MS, (leftMs - overheadMs) / Math.max(1, share)))
}

export function durationsFor({ workload, floor }: Lengthy, unitMs: number): Durations {
  const totalMs = unitMs * WEIGHT[workload]
  const measuredMs = totalMs * (1 - WARMUP_SHARE)
  const [shortest, longest] = workload === 'rendezvous' ? [RENDEZVOUS_ROUND_MS, RENDEZVOUS_ROUND_MS] : [SHORTEST_ROUND_MS, LONGEST_ROUND_MS]
  const wanted = Math.min(longest, Math.max(shortest, measuredMs / WANTED_ROUNDS))
  const rounds = Math.max(floor ? FEWEST_ROUNDS : 1, Math.round(measuredMs / wanted))
  const roundMs = Math.round(Math.max(measuredMs / rounds, floor ? SHORTEST_ROUND_MS : 0))
  return { warmupMs: Math.min(LONGEST_WARMUP_MS, totalMs * WARMUP_SHARE), roundMs, rounds }
}

/** The latest at which a pair of the trial is ready, in ms, not counting the grace that every answer gets. */
export const readyWithin = ({ workload }: Pick<Trial, 'workload'>, { warmupMs }: Pick<Durations, 'warmupMs'>): number =>
  warmupMs * WARMUPS + preparationMs(workload) * LATEST_FACTOR

/** The most that the rounds take. */
export const lengthOf = ({ roundMs, rounds }: Durations, floor: boolean): number => roundMs * rounds * (floor ? 2 : 1)

/** Where the user says for how long to measure. */
export const durationsOf = (trial: Lengthy, measuredMs: number): Durations =>
  durationsFor(trial, measuredMs / (WEIGHT[trial.workload] * (1 - WARMUP_SHARE)))

/** About how long these trials take, each measuring so long. */
export const expectedMs = (trials: readonly Lengthy[], measuredMs: number): number =>
  trials.reduce((sum, trial) => {
    const durations = durationsOf(trial, measuredMs)
    return sum + overheadOf(trial) + durations.warmupMs + lengthOf(durations, trial.floor)
  }, 0)

/** What these trials take at the least, about, whatever the budget says. */
export const shortestMs = (trials: readonly Lengthy[]): number =>
  trials.reduce((sum, trial) => sum + overheadOf(trial) + lengthOf(durationsFor(trial, SHORTEST_UNIT_MS), trial.floor), 0)
