/**
 * Runs trials, one after the other; this process is no side of any. A trial that fails is a record that
 * says why, and never part of a figure.
 */
import type { Adapter } from '../core/adapter.js'
import { sweep } from '../core/janitor.js'
import { adapterById, adapterIds } from '../core/registry.js'
import { durationsFor, durationsOf, shortestMs, unitFor } from './durations.js'
import { planComparison } from './plan.js'
import type { BenchRecord, Conditions } from './record.js'
import { notRun, runTrial } from './run-trial.js'
import { runnable, type Subject, type Trial } from './trial.js'

const DEFAULT_BUDGET_MS = 100_000

export interface Progress {
  /** Trials that are over, of `total`. */
  readonly done: number
  readonly total: number
  readonly elapsedMs: number
  readonly leftMs: number
  /** The trial that begins; absent at the end. */
  readonly next?: Conditions
  /** The record that came last. */
  readonly last?: BenchRecord
}

export interface RunOptions {
  /** About how long all trials together take, in ms. Trials do not get shorter than makes sense, whatever this says. */
  readonly budgetMs?: number | undefined
  /** The milliseconds that each trial measures, instead of its share of the budget. */
  readonly durationMs?: number | undefined
  /** Ends the run: the trial at hand and those after it become records with the status `not-run`. */
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

/** Runs these trials: one record each, in their order. */
export async function runTrials(trials: readonly Trial[], options: RunOptions = {}): Promise<BenchRecord[]> {
  const { signal, onProgress, budgetMs = DEFAULT_BUDGET_MS, durationMs } = options
  const start = performance.now()
  const runnables = trials.filter(runnable)
  const unitMs = unitFor(runnables, budgetMs)
  const records: BenchRecord[] = []
  let done = 0
  const report = (next?: Trial) => {
    const elapsedMs = performance.now() - start
    const last = records.at(-1)
    onProgress?.({
      done,
      total: runnables.length,
      elapsedMs,
      leftMs: next === undefined ? 0 : Math.max(budgetMs - elapsedMs, shortestMs(runnables.slice(done))),
      ...(next && { next: conditionsOf(next) }),
      ...(last && { last }),
    })
  }
  for (const [i, trial] of trials.entries()) {
    const runs = runnable(trial) && signal?.aborted !== true
    if (runs) report(trial)
    // All alike, unless the machine is slower than thought; then the later ones are shorter, within reason.
    const affordable = unitFor(trials.slice(i).filter(runnable), budgetMs - (performance.now() - start))
    const durations =
      durationMs === undefined ? durationsFor(trial, Math.max(unitMs / 2, Math.min(unitMs, affordable))) : durationsOf(trial, durationMs)
    const outcome = signal?.aborted === true && runnable(trial) ? notRun : await runTrial(trial, { ...durations, signal })
    records.push({ ...conditionsOf(trial), ...outcome })
    if (runs && outcome.status !== 'not-run') done++
  }
  sweepNames()
  report()
  return records
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
