/** Round-trip times at three significant digits over the whole range, so that the tail is as exact as the middle. */
import { createRequire } from 'node:module'
import type { RoundTripTimes } from './record.js'

// The package's index also decodes 70 ms of WebAssembly, which every process of a trial would pay for.
const { default: Int32Histogram } = createRequire(import.meta.url)(
  'hdr-histogram-js/dist/Int32Histogram.js',
) as typeof import('hdr-histogram-js/dist/Int32Histogram.js')

const HIGHEST_NS = 60e9
const DIGITS = 3

export class TimeHistogram {
  readonly #histogram = new Int32Histogram(1, HIGHEST_NS, DIGITS)

  /** A round trip of so many milliseconds, as `performance.now()` counts them. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST_NS, Math.max(0, Math.round(ms * 1e6))))
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  times(): RoundTripTimes {
    const us = (ns: number) => ns / 1000
    const max = this.#histogram.maxValue
    // A percentile is the upper edge of its bucket, which may lie above all that was seen.
    const at = (percentile: number) => us(Math.min(max, this.#histogram.getValueAtPercentile(percentile)))
    return { p50: at(50), p99: at(99), p999: at(99.9), max: us(max), mean: us(this.#histogram.mean) }
  }
}
