/** The work behind `report`, `show` and `bench`: conformance, then measurement, with progress. */
import type { AdapterId } from '../core/channel.js'
import { titleOf } from '../report/format.js'
import type { Report } from '../report/model.js'
import { UsageError } from './outcome.js'
import { type Progress, startProgress } from './progress.js'

/** What one adapter's conformance takes on two processors, until it is known better. */
const CONFORMANCE_MS = 2900

export interface Work {
  readonly adapters: readonly AdapterId[]
  /** Whether the conformance suite is run too. */
  readonly conformance: boolean
  readonly budgetMs: number
  readonly signal: AbortSignal
}

/** Never rejects because of an adapter; what was not run before `signal` aborted is marked so. */
export async function measure({ adapters, conformance, budgetMs, signal }: Work): Promise<Report> {
  const [{ runBench }, { environment }, { makeReport }, { conform }] = await Promise.all([
    import('../bench/driver.js'),
    import('../bench/environment.js'),
    import('../report/model.js'),
    import('./conform.js'),
  ])
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
    const records = await runBench({
      adapters,
      budgetMs,
      signal,
      onProgress: ({ leftMs, next }) =>
        show(
          share + (1 - share) * (next === undefined ? 1 : Math.max(0, 1 - leftMs / budgetMs)),
          leftMs,
          next === undefined ? 'measured' : `${next.workload} of ${next.adapter} (${titleOf(next).toLowerCase()})`,
        ),
    })
    return makeReport({ environment: environment(), records, conformance: reports })
  } finally {
    progress.stop()
  }
}

/** 1 where an adapter broke a promise or a trial failed; what cannot run here is no failure. */
export const exitStatusOf = ({ records, conformance }: Report): number =>
  records.some(({ status }) => status === 'failed') || conformance.some(({ results }) => results.some(({ status }) => status === 'failed'))
    ? 1
    : 0

/** Seconds on the command line, as milliseconds. */
export function budgetOf(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new UsageError(`--budget is a number of seconds above 0, not '${text}'`)
  return 1000 * seconds
}
