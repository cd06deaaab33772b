/** The work behind `report`, `show` and `bench`: conformance, then measurement, with progress. */
import type { Conditions } from '../bench/record.js'
import type { Trial } from '../bench/trial.js'
import type { AdapterId } from '../core/channel.js'
import type { Report } from '../report/model.js'
import { UsageError } from './outcome.js'
import { type Progress, startProgress } from './progress.js'

/** What one adapter's conformance takes on two processors, until it is known better. */
const CONFORMANCE_MS = 2900

export interface Work {
  readonly adapters: readonly AdapterId[]
  /** Whether the conformance suite is run too. */
  readonly conformance: boolean
  /** What is measured; default the comparison of `adapters`. */
  readonly trials?: readonly Trial[]
  readonly budgetMs: number
  /** The milliseconds that each trial measures, instead of its share of the budget. */
  readonly durationMs?: number | undefined
  readonly signal: AbortSignal
}

/** Never rejects because of an adapter; what was not run before `signal` aborted is marked so. */
export async function measure({ adapters, conformance, trials, budgetMs, durationMs, signal }: Work): Promise<Report> {
  const [{ adapterById }, { runTrials, subjects }, { planComparison }, { environment }, { isPeer, makeReport }, { conform }] =
    await Promise.all([
      import('../core/registry.js'),
      import('../bench/driver.js'),
      import('../bench/plan.js'),
      import('../bench/environment.js'),
      import('../report/model.js'),
      import('./conform.js'),
    ])
  const where = environment() // before the load is our own
  const progress = startProgress()
  const show: Progress['update'] = (...step) => {
    if (!signal.aborted) progress.update(...step)
  }
  const begin = performance.now()
  // A fraction is of time, so the phases count as what they are expected to take.
  const expectedMs = conformance ? adapters.length * CONFORMANCE_MS : 0
  const share = expectedMs / (expectedMs + budgetMs)
  try {
    const reports = conformance
      ? await conform(adapters, signal, (done, adapter) => {
          // The more is done, the more the pace until now counts.
          const paceMs = done === 0 ? 0 : ((performance.now() - begin) * (1 - done)) / done
          const leftMs = (1 - done) * expectedMs * (1 - done) + done * paceMs
          show(share * done, leftMs + budgetMs, `conformance of ${adapter}`)
        })
      : []
    const records = await runTrials(trials ?? planComparison(await subjects(adapters)), {
      budgetMs,
      durationMs,
      signal,
      onProgress: ({ leftMs, next, launch }) =>
        show(
          share + (1 - share) * (next === undefined ? 1 : Math.max(0, 1 - leftMs / budgetMs)),
          leftMs,
          next === undefined ? 'measured' : whatIs(next, launch),
        ),
    })
    const measured = new Set(records.filter((record) => !isPeer(record)).map(({ adapter }) => adapter))
    const declared = await Promise.all([...measured].map(adapterById))
    const capabilities = Object.fromEntries(declared.map((adapter) => [adapter.id, adapter.capabilities]))
    return makeReport({ environment: where, records, conformance: reports, capabilities, interrupted: signal.aborted })
  } finally {
    progress.stop()
  }
}

/** 1 where an adapter broke a promise or a trial failed; what cannot run here is no failure. */
export const exitStatusOf = ({ records, conformance }: Report): number =>
  records.some(({ status }) => status === 'failed') || conformance.some(({ results }) => results.some(({ status }) => status === 'failed'))
    ? 1
    : 0

/** The trial at hand, as progress names it: no two alike. */
function whatIs({ adapter, workload, payloadBytes, placement, wait, senders }: Conditions, launch: number | undefined): string {
  const setting = [`${payloadBytes} B`, placement, wait, ...(senders === undefined ? [] : [`${senders} senders`])]
  const which = launch === undefined ? ['costs'] : launch === 1 ? [] : [`launch ${launch}`]
  return [`${workload} of ${adapter}`, ...setting, ...which].join(', ')
}

/** Seconds on the command line, as milliseconds. */
export function millisecondsOf(option: string, text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new UsageError(`${option} is a number of seconds above 0, not '${text}'`)
  return 1000 * seconds
}
