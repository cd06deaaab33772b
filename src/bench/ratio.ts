/** What launches say together. */
import { meanOf, medianOf, varianceOf } from '../statistics/sample.js'
import { studentQuantile } from '../statistics/student.js'
import type { Ratio, Spread } from './record.js'

/** What the interval leaves out, on both sides together. */
const OUTSIDE = 0.05

/**
 * Of launches, each the median of its rounds: their mean, and the confidence interval of Student's t. What befalls a
 * launch befalls all its rounds, so that many rounds of one launch say little about the next (Kalibera and Jones,
 * "Rigorous benchmarking in reasonable time", 2013). Where there was one launch, the interval is of its rounds.
 */
export function spreadOf(launches: readonly (readonly number[])[]): Spread {
  const values = launches.map(medianOf)
  const count = values.length
  const value = meanOf(values)
  if (count === 1) return { value, ...intervalOfMedian(launches[0] ?? []), launches: 1 }
  const reach = studentQuantile(OUTSIDE, count - 1) * Math.sqrt(varianceOf(values) / count)
  return { value, low: value - reach, high: value + reach, launches: count }
}

/** Of the logarithms of `ours[i] / floors[i]`, rounds that were run by turns: so that twice and half are equally far from 1. */
export function ratioOf(ours: readonly (readonly number[])[], floors: readonly (readonly number[])[]): Ratio {
  const logs = ours.map((rounds, launch) => rounds.map((own, i) => Math.log(own / (floors[launch]?.[i] ?? Number.NaN))))
  const { value, low, high, launches } = spreadOf(logs)
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), launches }
}

/**
 * From order statistics, which assumes nothing of how the values are distributed: of n values the k-th from either
 * end, where the chance that fewer than k lie on one side of the median is at most half of what is left out. Fewer
 * than six values cannot give that; their interval is all that was seen.
 */
function intervalOfMedian(values: readonly number[]): Pick<Spread, 'low' | 'high'> {
  const sorted = [...values].sort((a, b) => a - b)
  const out = leftOut(sorted.length)
  return { low: sorted[out] as number, high: sorted[sorted.length - 1 - out] as number }
}

/** How many values at each end lie outside the interval: the binomial distribution with one half. */
function leftOut(n: number): number {
  let exactly = 0.5 ** n
  let atMost = exactly
  let out = 0
  while (atMost <= OUTSIDE / 2) {
    exactly *= (n - out) / (out + 1)
    atMost += exactly
    out++
  }
  return Math.max(0, out - 1)
}
