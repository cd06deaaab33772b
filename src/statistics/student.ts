/** Student's t distribution, which says how far the mean of few values may be off. */

/** How often `t` is so far from 0 or farther, with so many degrees of freedom; infinitely many are a normal distribution. */
export function studentP(t: number, freedom: number): number {
  // From about here on they differ by less than any figure here tells.
  const df = Math.min(freedom, 1e6)
  return t === 0 ? 1 : regularizedBeta(df / (df + t * t), df / 2, 0.5)
}

/** The t beyond which, on both sides together, `p` of the distribution lies. */
export function studentQuantile(p: number, freedom: number): number {
  let [low, high] = [0, 1]
  while (studentP(high, freedom) > p) high *= 2
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (studentP(middle, freedom) > p) low = middle
    else high = middle
  }
  return high
}

/** I_x(a, b), by its continued fraction (Lentz). DLMF 8.17.22 */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a)
  let d = 1 / (1 - ((a + b) * x) / (a + 1))
  let c = 1
  let fraction = d
  for (let m = 1; m < 300; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / (1 + term * d)
      c = 1 + term / c
      fraction *= c * d
    }
    if (Math.abs(c * d - 1) < 1e-14) break
  }
  return (Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a) * fraction
}

/** By Stirling's series, from 10 on; smaller arguments come from larger ones. DLMF 5.11.1 */
function logGamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < 10; z++) shift += Math.log(z)
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7)
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift
}
