/**
 * What the bench yields: plain data with a version number, which the report shows and other tools read.
 * Times are in the unit that their name ends with.
 */

export const RECORD_VERSION = 1

/** On which processors the two sides run: one and the same, two different ones, or wherever the scheduler puts them. */
export type Placement = 'same-core' | 'cross-core' | 'free'
/** How the receiver waits: in a blocking call on its thread, or in its event loop. */
export type WaitMode = 'block' | 'poll'
/** One message there and back at a time, or as many one way as the receiver takes. */
export type Workload = 'round-trip' | 'throughput'

/** What was measured. Figures compare only where placement, wait mode and payload are equal. */
export interface Conditions {
  readonly adapter: string
  readonly mechanism: string
  readonly workload: Workload
  readonly payloadBytes: number
  readonly placement: Placement
  readonly wait: WaitMode
}

export interface RoundTripTimes {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
}

/** What one trial gives. Every message counted here was verified by its receiver. */
export interface Measurement {
  readonly durationMs: number
  /** Round trips, or messages one way. */
  readonly samples: number
  /** Round trips that each time stands for: 1, or more where one is too short for the clock; then the percentiles are of means of so many. */
  readonly batch: number
  /** Microseconds; with the workload `round-trip`. */
  readonly rttUs?: RoundTripTimes
  /** With the workload `throughput`. */
  readonly messagesPerSecond?: number
  /** 10^9 bytes of payload a second; with the workload `throughput`. */
  readonly gigabytesPerSecond?: number
  /** Processor time of both sides together for one message one way. */
  readonly cpuUsPerMessage: number
  /** Messages that never arrived; more than 0 only where the mechanism drops by nature. */
  readonly lost: number
}

/** The processors of each side. */
export interface Processors {
  readonly ping: readonly number[]
  readonly pong: readonly number[]
}

/**
 * `failed`: a wrong byte, a lost message, an error or no end. `unavailable`: the adapter cannot run here.
 * `impossible`: the adapter has no such thing to measure. `not-run`: the run was ended before.
 */
export type Outcome =
  | ({ readonly status: 'measured'; readonly processors: Processors } & Measurement)
  | { readonly status: 'failed' | 'unavailable' | 'impossible' | 'not-run'; readonly reason: string }

export type BenchRecord = Conditions & Outcome

/** Where it was measured. */
export interface Environment {
  readonly cpu: string
  /** The processors that this process may use. */
  readonly processors: readonly number[]
  readonly virtualized: boolean
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  /** Of the package; absent where it is no git checkout. */
  readonly commit?: string
  /** The kernel's answers for each hardware vulnerability that this processor has. */
  readonly mitigations: Readonly<Record<string, string>>
  /** The smallest step seen, and what one reading costs. */
  readonly clock: { readonly resolutionNs: number; readonly readingNs: number }
}
