/**
 * What the bench yields: plain data with a version number, which the report shows and other tools read.
 * Times are in the unit that their name ends with.
 */

export const RECORD_VERSION = 3

/** On which processors the two sides run: one and the same, two different ones, or wherever the scheduler puts them. */
export type Placement = 'same-core' | 'cross-core' | 'free'
/**
 * How the receiver waits: `block` in a system call on its thread; `poll` in its event loop; `spin` never,
 * it asks again and again; `adaptive` spins for a while and blocks then.
 */
export type WaitMode = 'block' | 'poll' | 'spin' | 'adaptive'

/**
 * `round-trip`: one message there and back at a time, as fast as it goes. `one-way`: messages at a fixed
 * rate, each timed from the moment at which it was due. `throughput`: as many one way as the receiver takes.
 * `fan-in`: throughput of several senders to one receiver. `rendezvous`: from the offer to the first
 * message. `idle`: many channels that carry nothing, and one of them woken. `wrapper`: in one process, a
 * message from one channel to another without any waiting, by turns with the same calls of the endpoints below.
 */
export type Workload = 'round-trip' | 'one-way' | 'throughput' | 'gathered' | 'fan-in' | 'rendezvous' | 'idle' | 'wrapper'

/** What was measured. Figures compare only where placement, wait mode and payload are equal. */
export interface Conditions {
  /** The id of an adapter, or of a peer: `peer/zeromq-ipc`. */
  readonly adapter: string
  /** Its mechanism; `peer` for what users pick instead. */
  readonly mechanism: string
  readonly workload: Workload
  readonly payloadBytes: number
  readonly placement: Placement
  readonly wait: WaitMode
  /** With the workload `fan-in`. */
  readonly senders?: number
}

/** Microseconds. */
export interface Times {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
  /** For a curve: pairs of a percentile (0 to 100) and its time. */
  readonly curve?: readonly (readonly [number, number])[]
}

/** What one side pair gives, ours or the C floor's, over all rounds of all launches. Every message counted was verified by its receiver. */
export interface Figures {
  /** What was measured, without warm-up and pauses. */
  readonly durationMs: number
  /** Round trips, messages one way, meetings, or wake-ups; with `wrapper` those of the channels. */
  readonly samples: number
  /** Round trips that each time stands for: 1, or more where one is too short for the clock; then the percentiles are of means of so many. */
  readonly batch: number
  /** Of a round trip, of one way, of a meeting, of a wake-up, or of sending and receiving: whatever the workload times. */
  readonly timesUs?: Times
  /** With `throughput` and `fan-in`. */
  readonly messagesPerSecond?: number
  /** 10^9 bytes of payload a second; with `throughput` and `fan-in`. */
  readonly gigabytesPerSecond?: number
  /** Processor time of both sides together for one message one way. */
  readonly cpuUsPerMessage?: number
  /** Context switches of both sides for one message one way. */
  readonly switchesPerMessage?: { readonly voluntary: number; readonly involuntary: number }
  /** Of the larger side. */
  readonly peakRssBytes?: number
  /** Messages that never arrived; more than 0 only where the mechanism drops by nature. */
  readonly lost: number
}

/** A figure of launches with its 95 % confidence interval: of one launch alone, of its rounds. */
export interface Spread {
  readonly value: number
  readonly low: number
  readonly high: number
  readonly launches: number
}

/** Ours as a multiple of the C floor, in rounds that were run by turns. */
export type Ratio = Spread

/** The same exchange in C. `ratio` is of times where the workload times (lower is better), of messages a second otherwise (higher is better). */
export type Floor =
  | ({ readonly status: 'measured'; readonly ratio: Ratio } & Figures)
  | { readonly status: 'failed' | 'unavailable' | 'impossible'; readonly reason: string }

/** The processes of a trial, all started anew: what decides a figure is often settled by how they came to run. */
export interface Launch {
  /** The figure of each round, in order: the median time in µs, or messages a second. */
  readonly rounds: readonly number[]
  /** Those of the C floor, which took turns with them; absent where it was not measured. */
  readonly floorRounds?: readonly number[]
  /** Before each round of either pair and after the last, ns of a turn there and back of a spin between two processors (one: of a plain loop): it names the state of the machine. */
  readonly probesNs: readonly number[]
}

export interface Measurement extends Figures {
  /** In the order in which they were made, minutes apart: between them all other trials of the plan had theirs. */
  readonly launches: readonly Launch[]
  /** Absent where the plan had none. */
  readonly floor?: Floor
  /** What was asked for and could not be counted, with the reason. */
  readonly notes?: readonly string[]
  /** Both sides together, for one message one way; counted in a run of their own. */
  readonly syscallsPerMessage?: number
  /**
   * Of the JavaScript heap and of array buffers, on the receiving side, for one message received; measured in a run of
   * its own. With `wrapper` what a message sent and received leaves, by the way that leaves the most.
   */
  readonly garbageBytesPerMessage?: number
  /** With `one-way`: messages a second. */
  readonly rate?: { readonly wanted: number; readonly reached: number }
  /** With `idle`. */
  readonly idle?: {
    readonly channels: number
    /** What did not let there be as many as wanted. */
    readonly limit?: string
    /** Both sides together. */
    readonly bytesPerChannel: number
    readonly descriptorsPerChannel: number
  }
  /** With `wrapper`, ns a message: what the calls of the endpoints take, and what the channels add to that. */
  readonly wrapper?: { readonly endpointNs: number; readonly addedNs: Spread }
}

/** The processors of each side. */
export interface Processors {
  readonly ping: readonly number[]
  readonly pong: readonly number[]
}

/**
 * `failed`: a wrong byte, a lost message, an error, a missed rate or no end. `unavailable`: the adapter
 * cannot run here. `impossible`: the adapter has no such thing to measure. `not-run`: the run was ended before.
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
  /** Of the processors allowed, how the kernel chooses their frequency; absent where it does not. */
  readonly governor?: string
  /** The average of the minute before the run. */
  readonly load?: number
  /** The kernel's answers for each hardware vulnerability that this processor has. */
  readonly mitigations: Readonly<Record<string, string>>
  /** The smallest step seen, and what one reading costs. */
  readonly clock: { readonly resolutionNs: number; readonly readingNs: number }
}
