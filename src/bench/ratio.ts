/** What rounds say together. */
import type { Ratio, Spread } from './record.js'

/** What the interval leaves out on each side. */
const TAIL = 0.025

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2
}

/**
 * The median and its confidence interval from order statistics, which assumes nothing of how the values are
 * distributed: of n values the k-th from either end, where the chance that fewer than k lie on one side of
 * the median is at most 2.5 %. Fewer than six rounds cannot give 95 %; their interval is all that was seen.
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const out = leftOut(sorted.length)
  return {
    median: medianOf(sorted),
    low: sorted[out] as number,
    high: sorted[sorted.length - 1 - out] as number,
    rounds: sorted.length,
  }
}

/** Of `ours[i] / floors[i]`: rounds that were run by turns. */
export const ratioOf = (ours: readonly number[], floors: readonly number[]): Ratio =>
  spreadOf(ours.map((own, i) => own / (floors[i] as number)))

/** How many values at each end lie outside the interval: the binomial distribution with one half. */
function leftOut(n: number): number {
  let exactly = 0.5 ** n
  let atMost = exactly
  let out = 0
  while (atMost <= TAIL) {
    exactly *= (n - out) / (out + 1)
    atMost += exactly
    out++
  }
  return Math.max(0, out - 1)
}
