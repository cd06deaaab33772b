/** What tells a change from chance. */
import { studentP, studentQuantile } from '../statistics/student.js'

/** The p values of a family of tests as if there were one: none is below `alpha` by chance with more than that probability (Holm). In the order given. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = new Array<number>(values.length).fill(1)
  let least = 0
  for (const [rank, { p, index }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (values.length - rank)))
    adjusted[index] = least
  }
  return adjusted
}

/** A variance that was estimated, and how many degrees of freedom it was estimated from. */
export interface Variance {
  readonly variance: number
  readonly freedom: number
}

/** Of fewer a common spread cannot be told. */
const LEAST_OF_A_KIND = 8

/**
 * What many estimates, each of few values, say about each other: how variances of this kind are distributed. A
 * variance that is small by chance is drawn towards the others', with as many more degrees of freedom as they agree.
 * Gordon Smyth, "Linear models and empirical Bayes methods", 2004, section 6.2: the moments of the logarithms.
 */
export function moderated(estimates: readonly Variance[]): Variance[] {
  const prior = estimates.length < LEAST_OF_A_KIND ? undefined : priorOf(estimates)
  if (prior === undefined) return [...estimates]
  return estimates.map(({ variance, freedom }) => {
    if (prior.freedom === Number.POSITIVE_INFINITY) return prior
    const sum = prior.freedom + freedom
    return { variance: (prior.freedom * prior.variance + freedom * variance) / sum, freedom: sum }
  })
}

function priorOf(estimates: readonly Variance[]): Variance | undefined {
  const known = estimates.filter(({ variance, freedom }) => variance > 0 && freedom > 0)
  if (known.length < LEAST_OF_A_KIND) return undefined
  const logs = known.map(({ variance, freedom }) => Math.log(variance) - digamma(freedom / 2) + Math.log(freedom / 2))
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  const scatter = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1)
  const byChance = known.reduce((sum, { freedom }) => sum + trigamma(freedom / 2), 0) / known.length
  if (scatter <= byChance) return { variance: Math.exp(mean), freedom: Number.POSITIVE_INFINITY }
  const half = inverseTrigamma(scatter - byChance)
  return { variance: Math.exp(mean + digamma(half) - Math.log(half)), freedom: 2 * half }
}

/** How often two means of so many values differ so far, or farther, where only chance moves them. Two-sided. */
export function meansDiffer(difference: number, counts: readonly [number, number], { variance, freedom }: Variance): number {
  if (variance === 0) return difference === 0 ? 1 : 0
  return studentP(difference / Math.sqrt(variance * (1 / counts[0] + 1 / counts[1])), freedom)
}

/** The least difference of two such means whose p is `p`. */
export const leastDifference = (p: number, counts: readonly [number, number], { variance, freedom }: Variance): number =>
  studentQuantile(p, freedom) * Math.sqrt(variance * (1 / counts[0] + 1 / counts[1]))

/** The derivative of the logarithm of the gamma function. DLMF 5.11.2, after 5.5.2 */
export function digamma(x: number): number {
  let [shift, z] = [0, x]
  for (; z < 10; z++) shift += 1 / z
  return Math.log(z) - 1 / (2 * z) - 1 / (12 * z ** 2) + 1 / (120 * z ** 4) - 1 / (252 * z ** 6) - shift
}

/** And its derivative. DLMF 5.15.8, after 5.15.5 */
export function trigamma(x: number): number {
  let [shift, z] = [0, x]
  for (; z < 10; z++) shift += 1 / z ** 2
  return 1 / z + 1 / (2 * z ** 2) + 1 / (6 * z ** 3) - 1 / (30 * z ** 5) + 1 / (42 * z ** 7) + shift
}

/** It falls all the way: by halves on the logarithm. */
function inverseTrigamma(y: number): number {
  let [low, high] = [-20, 20]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (trigamma(Math.exp(middle)) > y) low = middle
    else high = middle
  }
  return Math.exp(high)
}
