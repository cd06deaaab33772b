/**
 * What a side pair says. A pair is the process that measures and the other side, which it starts; ours
 * and the C floor's speak the same. Once both sides have met it says `Ready` on descriptor 3, where it answers with JSON,
 * one a line. On its standard input it reads `warm`, answered by `Ready`, `run MS`, by a `Round`, and `end`, by a `Farewell`. Where it fails it
 * says why in a line on standard error; where it cannot do what is asked it ends with status 2 instead of 1.
 * Between answers neither side uses processor time.
 */
import type { Cost } from './cost.js'
import type { Measurement } from './record.js'

/** The descriptor on which the measuring side answers. */
export const RESULT_FD = 3
/** What a line on standard error begins with that says why the trial failed. */
export const FAILURE = 'bench: '
/** The exit status of a pair that cannot do what is asked. */
export const IMPOSSIBLE_STATUS = 2
/** A side that is not warm yet warms up again, so many times at most. */
export const WARMUPS = 3
/** A side that spins blocks after so long without a message: nobody may talk meanwhile. */
export const SPIN_MS = 20

export interface Ready {
  readonly ready: true
}

/** What one round gave. Costs are of both sides together, and absent where the other is gone too soon. */
export interface Round extends Partial<Cost> {
  readonly count: number
  readonly lost: number
  readonly elapsedMs: number
  /** The larger of both peaks. */
  readonly rssBytes?: number
  /** As `Figures.batch`. */
  readonly batch: number
  /** The median time in µs, of workloads that time. */
  readonly p50?: number
}

/** What is known only at the end, over all rounds. */
export interface Farewell extends Pick<Measurement, 'idle'> {
  /** Of a workload that times: pairs of a time in ns and how often it was seen. */
  readonly histogram?: readonly number[]
  /** With `wrapper`, ns a message: the median of all rounds, and what the channels added in each. */
  readonly wrapper?: { readonly endpointNs: number; readonly addedNs: readonly number[] }
}
