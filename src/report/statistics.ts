/** What tells a change from chance, without assuming how figures are distributed. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return (low + high) / 2
}

/** Up to so many values in both samples the distribution is counted out; above, it is normal enough. */
const EXACT_MOST = 40

/**
 * The two-sided p of Wilcoxon's rank-sum test (Mann and Whitney's U): how often a split of the same values by
 * chance sets the two samples as far apart as they are. Equal values share the mean of their ranks.
 */
export function rankSum(one: readonly number[], other: readonly number[]): number {
  const ranks = doubledRanks([...one, ...other])
  const sum = ranks.slice(0, one.length).reduce((a, b) => a + b, 0)
  return ranks.length <= EXACT_MOST ? exactly(ranks, one.length, sum) : approximately(ranks, one.length, sum)
}

/** Twice the rank of each value, so that a shared rank is whole. */
function doubledRanks(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value)
  const ranks = new Array<number>(values.length).fill(0)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && order[end]?.value === order[start]?.value) end++
    for (const { index } of order.slice(start, end)) ranks[index] = start + end + 1
    start = end
  }
  return ranks
}

/** The mean of the sum of `count` doubled ranks over all choices. */
const meanOf = (ranks: readonly number[], count: number): number => count * (ranks.length + 1)

/** Over every choice of `count` of the ranks. */
function exactly(ranks: readonly number[], count: number, sum: number): number {
  const most = ranks.reduce((a, b) => a + b, 0)
  // ways[n][s]: how many choices of n ranks so far add up to s.
  const ways = Array.from({ length: count + 1 }, () => new Float64Array(most + 1))
  const [none] = ways
  if (none !== undefined) none[0] = 1
  for (const rank of ranks)
    for (let n = count; n > 0; n--) {
      const [fewer, own] = [ways[n - 1], ways[n]]
      if (fewer === undefined || own === undefined) continue
      for (let s = most; s >= rank; s--) own[s] = (own[s] ?? 0) + (fewer[s - rank] ?? 0)
    }
  const mean = meanOf(ranks, count)
  const distance = Math.abs(sum - mean)
  let all = 0
  let asFar = 0
  for (const [s, number] of (ways[count] ?? []).entries()) {
    all += number
    if (Math.abs(s - mean) >= distance) asFar += number
  }
  return asFar / all
}

/** By the normal distribution, with the variance that ties leave and a correction for steps. */
function approximately(ranks: readonly number[], count: number, sum: number): number {
  const total = ranks.length
  const centre = total + 1
  const spread = ranks.reduce((squares, rank) => squares + (rank - centre) ** 2, 0) / (total - 1)
  const deviation = Math.sqrt((count * (total - count) * spread) / total)
  if (deviation === 0) return 1
  return twoSided(Math.max(0, Math.abs(sum - meanOf(ranks, count)) - 1) / deviation)
}

/**
 * The standard deviation of most values, whatever the rest do: from the shortest interval that holds four of five
 * of them, which of a normal distribution is 2.56 deviations long.
 */
export function deviationOfMost(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const most = Math.floor(0.8 * sorted.length)
  const lengths = sorted.slice(most).map((high, i) => high - (sorted[i] ?? high))
  return Math.min(...lengths) / 2.563
}

/** How often a normal variable is so many deviations off, or more. The tail is a continued fraction, for a difference from 1 would lose it. */
export function twoSided(z: number): number {
  if (z < 2.5) return 1 - centralPart(z)
  let fraction = 0
  for (let k = 60; k > 0; k--) fraction = k / (z + fraction)
  return (2 * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) / (z + fraction)
}

/** Within z deviations, by the series of the error function. */
function centralPart(z: number): number {
  let term = z
  let sum = z
  for (let k = 1; k < 60; k++) {
    term *= (-z * z) / (2 * k)
    sum += term / (2 * k + 1)
  }
  return (2 * sum) / Math.sqrt(2 * Math.PI)
}

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
