/**
 * Runs trials, one after the other; this process is no side of any. A trial that fails is a record that
 * says why, and never part of a figure.
 */
import type { Adapter } from '../core/adapter.js'
import { sweep } from '../core/janitor.js'
import { adapterById, adapterIds } from '../core/registry.js'
import { affordableRounds, countingMs, durationsFor, launchesOf, scheduleFor, scheduleOf, shortestMs } from './durations.js'
import { planComparison } from './plan.js'
import type { BenchRecord, Conditions } from './record.js'
import { TrialRun } from './run-trial.js'
import { runnable, type Subject, type Trial } from './trial.js'

const DEFAULT_BUDGET_MS = 100_000

export interface Progress {
  /** Launches of trials that are over, of `total`. */
  readonly done: number
  readonly total: number
  readonly elapsedMs: number
  readonly leftMs: number
  /** The trial at hand; absent at the end. */
  readonly next?: Conditions
  /** Which of its launches begins; absent where its costs are counted. */
  readonly launch?: number
}

export interface RunOptions {
  /** About how long all trials together take, in ms. Launches do not get shorter than makes sense, whatever this says. */
  readonly budgetMs?: number | undefined
  /** The milliseconds that each trial measures in all its launches, instead of its share of the budget. */
  readonly durationMs?: number | undefined
  /** Ends the run: what was launched to its end is measured, what never was becomes a record with the status `not-run`. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface BenchOptions extends RunOptions {
  /** Their ids. Default: every adapter there is. */
  readonly adapters?: readonly string[] | undefined
  /** What is measured of them. Default: the comparison of the main job. */
  readonly plan?: (subjects: readonly Subject[]) => readonly Trial[]
}

/** Measures a plan: one record a trial, in its order. Rejects only where an adapter is unknown. */
export async function runBench({ adapters, plan = planComparison, ...options }: BenchOptions = {}): Promise<BenchRecord[]> {
  return runTrials(plan(await subjects(adapters)), options)
}

/** Of these adapters, each of which leads then; default every one, each mechanism led by its first. */
export async function subjects(ids?: readonly string[]): Promise<Subject[]> {
  const adapters = await Promise.all((ids ?? (await adapterIds())).map(adapterById))
  return adapters.map((adapter, i) => subjectOf(adapter, ids !== undefined || mechanismOf(adapters[i - 1]) !== mechanismOf(adapter)))
}

const mechanismOf = (adapter: Adapter | undefined): string | undefined => adapter?.id.split('/')[0]

/** What the plan must know of an adapter. */
export const subjectOf = (adapter: Adapter, leads = false): Subject => ({
  id: adapter.id,
  capabilities: adapter.capabilities,
  thread: adapter.offerThread !== undefined && adapter.offer === undefined && adapter.temporary === undefined,
  spins: adapter.spins === true,
  leads,
  unavailable: adapter.unavailable(),
})

/**
 * Runs these trials: one record each, in their order. Every trial is launched once before any is launched again, so
 * that the launches of one are minutes apart, and what the machine does for a while befalls a launch and not a trial.
 */
export async function runTrials(trials: readonly Trial[], options: RunOptions = {}): Promise<BenchRecord[]> {
  const { signal, onProgress, budgetMs = DEFAULT_BUDGET_MS, durationMs } = options
  const start = performance.now()
  const runs = trials.map((trial) => new TrialRun(trial, { signal }))
  const ready = runs.filter(({ trial }) => runnable(trial))
  const planned = ready.map(({ trial }) => trial)
  const schedule = durationMs === undefined ? scheduleFor(planned, budgetMs) : scheduleOf(durationMs)
  const launches = launchesInTurn(ready, schedule.launches)
  const counted = ready.filter(({ trial }) => trial.costs)
  let done = 0
  const left = () => launches.slice(done).map(({ trial }) => trial)
  const report = (next?: TrialRun, launch?: number) => {
    const elapsedMs = performance.now() - start
    onProgress?.({
      done,
      total: launches.length,
      elapsedMs,
      leftMs: next === undefined ? 0 : Math.max(budgetMs - elapsedMs, shortestMs(left())),
      ...(next && { next: conditionsOf(next.trial) }),
      ...(launch && { launch }),
    })
  }
  for (const group of startedTogether(launches)) {
    if (isAborted(signal)) break
    const leftMs = budgetMs - (performance.now() - start) - countingMs(counted.length)
    const rounds = durationMs === undefined ? affordableRounds(left(), schedule.rounds, leftMs) : schedule.rounds
    // What has figures already waits for a run with more time.
    if (leftMs < 0 && group.every((run) => run.launches > 0)) break
    report(group[0], group[0] && group[0].launches + 1)
    await Promise.all(group.map((run) => run.start(durationsFor(run.trial, { rounds }))))
    for (const [i, run] of group.entries()) {
      if (i > 0 && !isAborted(signal)) report(run, run.launches + 1)
      await run.measure()
      if (!isAborted(signal)) done++
    }
  }
  for (const run of counted) {
    if (!isAborted(signal)) report(run)
    await run.count(durationsFor(run.trial, schedule))
  }
  sweepNames()
  report()
  return runs.map((run) => ({ ...conditionsOf(run.trial), ...run.outcome() }))
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

/** In passes over all trials. */
const launchesInTurn = (runs: readonly TrialRun[], most: number): TrialRun[] =>
  Array.from({ length: most }, (_, pass) => runs.filter(({ trial }) => pass < launchesOf(trial, most))).flat()

/** Two at a time, for while one side waits for the other a processor is idle; what takes up the kernel's limits alone. */
function startedTogether(launches: readonly TrialRun[]): TrialRun[][] {
  const groups: TrialRun[][] = []
  for (const run of launches) {
    const last = groups.at(-1)
    const fits = last !== undefined && last.length < 2 && [...last, run].every(({ trial }) => trial.workload !== 'idle')
    if (fits && last[0] !== run) last.push(run)
    else groups.push([run])
  }
  return groups
}

/** What was killed, for a failure or by the signal, may have left names. */
function sweepNames(): void {
  try {
    sweep()
  } catch {
    // Without a run folder nothing was recorded, and figures are worth more than the reason for that.
  }
}

const conditionsOf = ({ adapter, mechanism, workload, payloadBytes, placement, wait, senders }: Trial): Conditions => ({
  adapter,
  mechanism,
  workload,
  payloadBytes,
  placement,
  wait,
  ...(senders === undefined ? {} : { senders }),
})
