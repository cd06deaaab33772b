/**
 * Runs trials, one after the other, each between two fresh processes of its own; this process is neither.
 * A trial that fails is a record that says why, and never part of a figure.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Adapter } from '../core/adapter.js'
import { sweep } from '../core/janitor.js'
import { adapterById, adapterIds } from '../core/registry.js'
import { FAILURE, type Order, RESULT_FD } from './order.js'
import { allowedProcessors, processorsFor } from './placement.js'
import { type Durations, durationsFor, planComparison, runnable, type Subject, type Trial, unitFor } from './plan.js'
import type { BenchRecord, Conditions, Measurement, Outcome } from './record.js'

const DEFAULT_BUDGET_MS = 110_000
/** Without a result so long after it was due, a trial has failed. */
const GRACE_MS = 5000
/** The sides end themselves a little later, should this process be dead by then. */
const OWN_GRACE_MS = GRACE_MS + 2000
/** For a side that has told its result to end by itself. */
const EXIT_MS = 2000

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
const ECHO = new URL('./echo.js', import.meta.url)

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

export interface BenchOptions {
  /** Their ids. Default: every adapter there is. */
  readonly adapters?: readonly string[] | undefined
  /** About how long all trials together take, in ms. Trials do not get shorter than makes sense, whatever this says. */
  readonly budgetMs?: number | undefined
  /** Ends the run: the trial at hand and those after it become records with the status `not-run`. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Measures the comparison: one record a trial of the plan, in its order. Rejects only where an adapter is unknown. */
export async function runBench(options: BenchOptions = {}): Promise<BenchRecord[]> {
  const adapters = await Promise.all((options.adapters ?? (await adapterIds())).map(adapterById))
  return runTrials(planComparison(adapters.map(subjectOf)), options)
}

/** What the plan must know of an adapter. */
export const subjectOf = (adapter: Adapter): Subject => ({
  id: adapter.id,
  capabilities: adapter.capabilities,
  thread: adapter.offerThread !== undefined && adapter.offer === undefined && adapter.temporary === undefined,
  unavailable: adapter.unavailable(),
})

/** Runs these trials: one record each, in their order. */
export async function runTrials(
  trials: readonly Trial[],
  options: Pick<BenchOptions, 'budgetMs' | 'signal' | 'onProgress'> = {},
): Promise<BenchRecord[]> {
  const { signal, onProgress, budgetMs = DEFAULT_BUDGET_MS } = options
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
      leftMs: next === undefined ? 0 : Math.max(0, budgetMs - elapsedMs),
      ...(next && { next: conditionsOf(next) }),
      ...(last && { last }),
    })
  }
  for (const [i, trial] of trials.entries()) {
    const runs = runnable(trial) && signal?.aborted !== true
    if (runs) report(trial)
    // All alike, unless the machine is slower than thought; then the later ones are shorter, within reason.
    const affordable = unitFor(trials.slice(i).filter(runnable), budgetMs - (performance.now() - start))
    const durations = durationsFor(trial, Math.max(unitMs / 2, Math.min(unitMs, affordable)))
    const outcome = await runTrial(trial, { ...durations, signal })
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

const lengthOf = ({ warmupMs, durationMs }: Durations): number => warmupMs + durationMs

const conditionsOf = ({ adapter, mechanism, workload, payloadBytes, placement, wait }: Trial): Conditions => ({
  adapter,
  mechanism,
  workload,
  payloadBytes,
  placement,
  wait,
})

export interface TrialOptions extends Durations {
  readonly signal?: AbortSignal | undefined
  /** The module of the other side; default the honest one. It calls `serveTrial`. */
  readonly echo?: URL
  /** Milliseconds past its durations after which the trial has failed. */
  readonly graceMs?: number
}

/** Runs one trial. Never rejects. */
export async function runTrial(trial: Trial, options: TrialOptions): Promise<Outcome> {
  if (trial.unavailable !== undefined) return { status: 'unavailable', reason: trial.unavailable }
  if (trial.impossible !== undefined) return { status: 'impossible', reason: trial.impossible }
  const processors = processorsFor(trial.placement, allowedProcessors())
  if (typeof processors === 'string') return { status: 'impossible', reason: processors }
  if (signalled(options.signal)) return notRun
  const { warmupMs, durationMs, graceMs = GRACE_MS } = options
  const dueMs = lengthOf(options) + graceMs
  const order: Order = {
    trial,
    processors,
    warmupMs,
    durationMs,
    echo: (options.echo ?? ECHO).href,
    limitMs: lengthOf(options) + Math.max(OWN_GRACE_MS, graceMs),
  }
  const told = await converse(order, dueMs, options.signal)
  if ('reason' in told) return signalled(options.signal) ? notRun : told
  return { status: 'measured', processors, ...told }
}

/** What ends the run may have ended the sides of a trial before. */
const signalled = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

const notRun: Outcome = { status: 'not-run', reason: 'the run was ended before' }

type Told = Measurement | Exclude<Outcome, { status: 'measured' }>

/** Starts the measuring side, in a process group of its own with its peer, and waits for what it tells. */
function converse(order: Order, dueMs: number, signal: AbortSignal | undefined): Promise<Told> {
  return new Promise((settle) => {
    const child = spawn(process.execPath, [WORKER, JSON.stringify(order)], { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    const result = collect(child, RESULT_FD)
    const complaints = collect(child, 2)
    let verdict: Told | undefined
    const decide = (told: Told) => {
      verdict ??= told
      killGroup(child)
    }
    const aborted = () => decide(notRun)
    signal?.addEventListener('abort', aborted, { once: true })
    let timer = setTimeout(
      () =>
        decide({
          status: 'failed',
          reason: `no result within ${Math.round(dueMs)} ms: ${reasonIn(complaints.text) ?? 'a message was lost, or a side hangs'}`,
        }),
      dueMs,
    )

    complaints.onData(() => {
      // The other side may have died of it, and this one may never learn.
      const reason = complaintIn(complaints.text)
      if (reason !== undefined) decide({ status: 'failed', reason })
    })
    result.onData(() => {
      const measurement = parse(result.text)
      if (measurement === undefined) return
      clearTimeout(timer)
      verdict ??= measurement
      timer = setTimeout(() => killGroup(child), EXIT_MS)
    })
    child.once('error', (error) => decide({ status: 'failed', reason: `cannot start a process: ${error.message}` }))
    child.once('close', (code, killed) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      killGroup(child) // the other side, should it still be there
      settle(
        verdict ?? {
          status: 'failed',
          reason: reasonIn(complaints.text) ?? `the measuring process ended early (${killed ?? `exit status ${code}`})`,
        },
      )
    })
  })
}

function collect(child: ChildProcess, fd: number): { readonly text: string; onData(callback: () => void): void } {
  const stream = child.stdio[fd] as NodeJS.ReadableStream
  const collected = { text: '', onData: (callback: () => void) => void stream.on('data', callback) }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    collected.text += chunk
  })
  return collected
}

const complaintIn = (text: string): string | undefined =>
  text
    .split('\n')
    .slice(0, -1)
    .find((line) => line.startsWith(FAILURE))
    ?.slice(FAILURE.length)

/** What standard error says about a failure: our own line, else an uncaught error's, else the last. */
function reasonIn(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return complaintIn(text) ?? lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)
}

function parse(text: string): Measurement | undefined {
  try {
    return JSON.parse(text) as Measurement
  } catch {
    return undefined // not all of it has come
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // all of it is gone
  }
}
