/** Times at three significant digits over the whole range, so that the tail is as exact as the middle. */
import { createRequire } from 'node:module'
import type { Times } from './record.js'

// The package's index also decodes 70 ms of WebAssembly, which every process of a trial would pay for.
const { default: Int32Histogram } = createRequire(import.meta.url)(
  'hdr-histogram-js/dist/Int32Histogram.js',
) as typeof import('hdr-histogram-js/dist/Int32Histogram.js')

const HIGHEST_NS = 60e9
const DIGITS = 3
/** Of the curve: evenly on the axis of a percentile plot, whose steps halve what is left. */
const CURVE = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.999, 100]

export class TimeHistogram {
  readonly #histogram = new Int32Histogram(1, HIGHEST_NS, DIGITS)

  /** So many milliseconds, as `performance.now()` counts them. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST_NS, Math.max(0, Math.round(ms * 1e6))))
  }

  add(other: TimeHistogram): void {
    this.#histogram.add(other.#histogram)
  }

  reset(): void {
    this.#histogram.reset()
  }

  /** Pairs of a value in ns, the upper edge of its step, and how many there are. */
  entries(): number[] {
    const { recordedValuesIterator, maxValue } = this.#histogram
    const entries: number[] = []
    recordedValuesIterator.reset()
    while (recordedValuesIterator.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = recordedValuesIterator.next()
      entries.push(Math.min(valueIteratedTo, maxValue), countAtValueIteratedTo)
    }
    return entries
  }

  addEntries(entries: readonly number[]): void {
    for (let i = 0; i < entries.length; i += 2) this.#histogram.recordValueWithCount(entries[i] ?? 0, entries[i + 1] ?? 0)
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  /** In µs. A percentile is the upper edge of its bucket, which may lie above all that was seen. */
  at(percentile: number): number {
    return Math.min(this.#histogram.maxValue, this.#histogram.getValueAtPercentile(percentile)) / 1000
  }

  times(): Times {
    return {
      p50: this.at(50),
      p99: this.at(99),
      p999: this.at(99.9),
      max: this.#histogram.maxValue / 1000,
      mean: this.#histogram.mean / 1000,
      curve: CURVE.map((percentile) => [percentile, this.at(percentile)] as const),
    }
  }
}
