/** The work behind `report`, `show` and `bench`: conformance, then measurement, with progress. */
import type { AdapterId } from '../core/channel.js'
import type { Report } from '../report/model.js'
import type { ConformanceReport } from '../testing/results.js'
import { UsageError } from './outcome.js'
import { startProgress } from './progress.js'

/** What one adapter's conformance takes, until it is known better. */
const CONFORMANCE_MS = 3500
/** Adapters whose conformance runs at one time: most cases wait. What is measured runs alone. */
const LANES = 2

export interface Work {
  readonly adapters: readonly AdapterId[]
  /** Whether the conformance suite is run too. */
  readonly conformance: boolean
  readonly budgetMs: number
  readonly signal: AbortSignal
}

/** Never rejects because of an adapter; what was not run before `signal` aborted is marked so. */
export async function measure({ adapters, conformance, budgetMs, signal }: Work): Promise<Report> {
  const [{ runBench }, { environment }, { makeReport }, { conformanceCases, runConformance }] = await Promise.all([
    import('../bench/driver.js'),
    import('../bench/environment.js'),
    import('../report/model.js'),
    import('../testing/index.js'),
  ])
  const progress = startProgress()
  const begin = performance.now()
  // A fraction is of time, so the phases count as what they are expected to take.
  const expectedMs = conformance ? adapters.length * CONFORMANCE_MS : 0
  const share = expectedMs / (expectedMs + budgetMs)
  try {
    const reports: ConformanceReport[] = []
    if (conformance) {
      const total = adapters.length * conformanceCases.length
      const left = [...adapters.entries()]
      let cases = 0
      const lane = async () => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const [i, adapter] = next
          const show = () => {
            const done = cases / total
            const leftMs = done === 0 ? expectedMs : ((performance.now() - begin) * (1 - done)) / done
            progress.update(share * done, leftMs + budgetMs, `conformance of ${adapter}`)
          }
          show()
          let own = 0
          const report = await runConformance(adapter, {
            signal,
            onResult: () => {
              own++
              cases++
              show()
            },
          })
          cases += conformanceCases.length - own
          reports[i] = report
        }
      }
      await Promise.all(Array.from({ length: LANES }, lane))
    }
    const records = await runBench({
      adapters,
      budgetMs,
      signal,
      onProgress: ({ done, total, leftMs, next }) =>
        progress.update(
          share + ((1 - share) * done) / Math.max(1, total),
          leftMs,
          next === undefined ? 'measured' : `${next.workload} of ${next.adapter}`,
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
