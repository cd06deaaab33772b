/** How a window slid: where its sender went, and where its receiver let it. RFC 9293, 3.8.6 */
import type { Seen } from '../../../src/lab/seen.js'

export interface Slide {
  /** The largest that was offered. */
  readonly window: number
  readonly largestFlight: number
  /** How often a byte was sent beyond the right edge, and how often that moved to the left. */
  readonly beyond: number
  readonly back: number
}

/** As its sender saw it. */
export function slideOf(seen: readonly Seen[]): Slide {
  let [edge, acknowledged, window, largestFlight, beyond, back] = [0, 1, 0, 0, 0, 0]
  for (const one of seen) {
    if (one.sent) {
      if (one.end > edge && one.length > 0) beyond++
      largestFlight = Math.max(largestFlight, one.end - acknowledged)
      continue
    }
    if (one.acknowledgment + one.window < edge) back++
    edge = one.acknowledgment + one.window
    acknowledged = one.acknowledgment
    window = Math.max(window, one.window)
  }
  return { window, largestFlight, beyond, back }
}
