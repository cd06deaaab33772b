/** How a sender met the losses of its connection, by the packets it saw and what the kernel told of its window. */
import { flightOf, roundsOf, type Seen, seenBy } from '../../../src/lab/seen.js'
import { CONGESTION_STATES } from '../../../src/lab/tcp-info.js'
import type { TraceEvent } from '../../../src/lab/trace.js'

export interface Loss {
  /** When the lost packet was sent again. */
  readonly t: number
  /** How many acknowledgements had asked for it by then. */
  readonly duplicates: number
  /** Segments under way then. */
  readonly flight: number
  /** Packets of new data that were sent from then until all was acknowledged that had been sent before. */
  readonly newMeanwhile: number
  /** The slow-start threshold that the loss set, in segments; 0: none. */
  readonly threshold: number
  /** The congestion window when the loss was noticed, and the largest from the recovery to the next loss. */
  readonly before: number
  readonly after: number
  readonly growth: Growth
}

/** How the window grew from the recovery to the next loss. */
export interface Growth {
  readonly windows: readonly number[]
  /** Segments acknowledged from the first step to the last, and as many as whole windows of each of these sizes are. */
  readonly acknowledged: number
  readonly windowfuls: number
}

export interface Course {
  /** Packets of each round trip before the first loss was noticed. */
  readonly opening: readonly number[]
  readonly losses: readonly Loss[]
  /** How often the kernel took packets for lost because a timer ended. */
  readonly timeouts: number
}

export function courseOf(events: readonly TraceEvent[], port: number, name: string): Course {
  const seen = seenBy(events, 'A', port)
  const samples = (what: string) =>
    events.flatMap(({ t, sample }) => (sample?.name === `${what} ${name}` ? { t, value: sample.value } : []))
  const [states, thresholds, windows] = [samples('ca_state'), samples('ssthresh'), samples('cwnd')]
  const rounds = roundsOf(seen)
  const repairs = repairsIn(seen)
  const losses = repairs.map((repair, index): Loss => {
    const { t } = repair
    const next = repairs[index + 1]?.t ?? Number.POSITIVE_INFINITY
    const since = states.find((state) => state.t > t - NOTICED_MS && state.value === RECOVERY)?.t ?? t
    const over = states.find((state) => state.t > since && state.value !== RECOVERY)?.t ?? Number.POSITIVE_INFINITY
    const windowsThen = windows.filter((one) => one.t >= over && one.t < next)
    return {
      ...repair,
      threshold: thresholds.findLast((one) => one.t <= since + NOTICED_MS)?.value ?? 0,
      before: windows.findLast((one) => one.t < since)?.value ?? 0,
      after: Math.max(0, ...windowsThen.map(({ value }) => value)),
      growth: growthOf(seen, windowsThen),
    }
  })
  const opening = rounds.flatMap((round) => (round.t < (repairs[0]?.t ?? 0) && round.packets > 0 ? round.packets : []))
  return { opening, losses, timeouts: states.filter(({ value }) => value === LOSS).length }
}

interface Sampled {
  readonly t: number
  readonly value: number
}

function growthOf(seen: readonly Seen[], sampled: readonly Sampled[]): Growth {
  const steps = sampled.filter(({ value }, at) => sampled.slice(0, at).every((earlier) => earlier.value < value))
  // At the first sample the window need not have just changed.
  const [first, last] = [steps[1], steps.at(-1)]
  const acknowledgedBy = (t: number) => Math.max(0, ...seen.flatMap((one) => (!one.sent && one.t <= t ? one.acknowledgment : [])))
  return {
    windows: steps.map(({ value }) => value),
    acknowledged: (acknowledgedBy(last?.t ?? 0) - acknowledgedBy(first?.t ?? 0)) / segmentOf(seen),
    windowfuls: steps.slice(1, -1).reduce((sum, { value }) => sum + value, 0),
  }
}

const segmentOf = (seen: readonly Seen[]): number => Math.max(...seen.map(({ length }) => length))

const RECOVERY = CONGESTION_STATES.indexOf('Recovery')
const LOSS = CONGESTION_STATES.indexOf('Loss')
/** The kernel’s state is looked at each ms or so, and the packet is noted when the wire takes it. */
const NOTICED_MS = 20

function repairsIn(seen: readonly Seen[]): readonly Pick<Loss, 't' | 'duplicates' | 'flight' | 'newMeanwhile'>[] {
  return seen.flatMap(({ sent, lost, sequence }) => {
    if (!sent || !lost) return []
    const at = seen.findIndex((one) => one.sent && !one.lost && one.length > 0 && one.sequence === sequence)
    const [earlier, later] = [seen.slice(0, at), seen.slice(at)]
    const point = Math.max(...earlier.map(({ sent, end }) => (sent ? end : 0)))
    const recovered = later.findIndex(({ sent, acknowledgment }) => !sent && acknowledgment >= point)
    return [
      {
        t: later[0]?.t ?? 0,
        duplicates: earlier.filter(({ sent, acknowledgment }) => !sent && acknowledgment === sequence).length,
        flight: Math.round(flightOf(earlier) / segmentOf(seen)),
        newMeanwhile: later.slice(0, recovered).filter(({ sent, end }) => sent && end > point).length,
      },
    ]
  })
}
