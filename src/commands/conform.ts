/** The conformance of several adapters, some at one time: most cases wait for a process. */
import type { AdapterId } from '../core/channel.js'
import { conformanceCases, runConformance } from '../testing/index.js'
import type { ConformanceReport } from '../testing/results.js'

const LANES = 2

/**
 * Never rejects because of an adapter. Adapters of one mechanism take turns, for they share limits of the
 * kernel. `onProgress` gets the fraction that is done, and the adapter of which it heard last.
 */
export async function conform(
  adapters: readonly AdapterId[],
  signal: AbortSignal,
  onProgress: (done: number, adapter: AdapterId) => void,
): Promise<ConformanceReport[]> {
  const waiting = new Map<string, AdapterId[]>()
  for (const adapter of adapters) waiting.set(mechanismOf(adapter), [...(waiting.get(mechanismOf(adapter)) ?? []), adapter])
  const total = adapters.length * conformanceCases.length
  const reports = new Map<AdapterId, ConformanceReport>()
  let done = 0
  const run = async (adapter: AdapterId) => {
    onProgress(done / total, adapter)
    let own = 0
    const report = await runConformance(adapter, {
      signal,
      onResult: () => {
        own++
        onProgress(++done / total, adapter)
      },
    })
    done += conformanceCases.length - own
    reports.set(adapter, report)
  }
  const lane = async () => {
    for (;;) {
      // The mechanism with the most left, so that the lanes end together.
      const [next] = [...waiting].sort(([, a], [, b]) => b.length - a.length)
      if (next === undefined) return
      const [mechanism, [adapter, ...rest]] = next
      waiting.delete(mechanism)
      if (adapter !== undefined) await run(adapter)
      if (rest.length > 0) waiting.set(mechanism, rest)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return adapters.flatMap((adapter) => reports.get(adapter) ?? [])
}

const mechanismOf = (adapter: string): string => adapter.split('/')[0] ?? adapter
