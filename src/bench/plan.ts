/** What `make` measures, as data: which trials there are, and for how long each runs. */
import type { Capabilities } from '../core/channel.js'
import type { Conditions, Placement, WaitMode, Workload } from './record.js'

const WORD_BYTES = 64
const BULK_BYTES = 64 * 1024
/** What is sent between two acknowledgements. */
const BATCH_BYTES = 1024 * 1024
const BATCH_MESSAGES = 1024
/** Where the mechanism drops what it has no room for: less than its default room, with the kernel's own cost of each message. */
const LOSSY_BATCH_BYTES = 64 * 1024
const LOSSY_MESSAGE_COST = 1024

/** What the plan must know of an adapter. */
export interface Subject {
  readonly id: string
  readonly capabilities: Pick<Capabilities, 'framing' | 'payload' | 'sync' | 'whenFull' | 'end' | 'connects'>
  /** Its two sides are threads of one process. */
  readonly thread: boolean
  readonly unavailable?: string | undefined
}

/** One exchange between two fresh processes. */
export interface Trial extends Conditions {
  readonly thread: boolean
  /** The mechanism drops what it has no room for: losses are counted instead of failing the trial. */
  readonly lossy: boolean
  /** The peer learns of the end through the mechanism. */
  readonly ends: boolean
  /** Messages that the receiver acknowledges at once; with the workload `throughput`. */
  readonly batchMessages: number
  readonly ackBytes: number
  readonly unavailable?: string
  /** Why this adapter has no such figure. */
  readonly impossible?: string
}

/** Conditions whose rows are compared with each other; measured one after the other. */
const GROUPS: readonly { readonly placement: Placement; readonly wait: WaitMode }[] = [
  { placement: 'same-core', wait: 'block' },
  { placement: 'free', wait: 'poll' },
]

/** The trials of the main job: round trips and throughput of one word, throughput of 64 KiB. */
export function planComparison(subjects: readonly Subject[]): Trial[] {
  return GROUPS.flatMap(({ placement, wait }) =>
    subjects.flatMap((subject) => {
      const { min, max } = subject.capabilities.payload
      const word = Math.min(Math.max(WORD_BYTES, min), max)
      return [
        trialOf(subject, 'round-trip', word, placement, wait),
        trialOf(subject, 'throughput', word, placement, wait),
        trialOf(subject, 'throughput', BULK_BYTES, placement, wait),
      ]
    }),
  )
}

export function trialOf(subject: Subject, workload: Workload, payloadBytes: number, placement: Placement, wait: WaitMode): Trial {
  const { payload, whenFull, end } = subject.capabilities
  const lossy = whenFull === 'drop'
  const impossible = impossibility(subject, workload, payloadBytes, wait)
  return {
    adapter: subject.id,
    mechanism: subject.id.split('/')[0] ?? subject.id,
    workload,
    payloadBytes,
    placement,
    wait,
    thread: subject.thread,
    lossy,
    ends: end !== 'none',
    batchMessages: lossy
      ? Math.max(1, Math.floor(LOSSY_BATCH_BYTES / (payloadBytes + LOSSY_MESSAGE_COST)))
      : Math.min(BATCH_MESSAGES, Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, payloadBytes)))),
    ackBytes: Math.min(Math.max(8, payload.min), payload.max),
    ...(subject.unavailable === undefined ? {} : { unavailable: subject.unavailable }),
    ...(impossible === undefined ? {} : { impossible }),
  }
}

function impossibility({ capabilities }: Subject, workload: Workload, payloadBytes: number, wait: WaitMode): string | undefined {
  const { payload, sync, whenFull, connects } = capabilities
  if (!connects) return 'makes no channel between two processes'
  if (wait === 'block' && !sync) return 'has no blocking calls, only the event loop'
  if (workload === 'throughput' && whenFull === 'coalesce') return 'equal events coalesce, so that their number means nothing'
  if (payloadBytes > payload.max && payload.max === 0) return 'events carry no bytes'
  if (payloadBytes > payload.max) return `a message has at most ${payload.max} bytes`
  if (payloadBytes < payload.min) return `a message has at least ${payload.min} bytes`
  return undefined
}

export const runnable = (trial: Trial): boolean => trial.unavailable === undefined && trial.impossible === undefined

/** Milliseconds of one trial: what is discarded, and what is measured. */
export interface Durations {
  readonly warmupMs: number
  readonly durationMs: number
}

/** What starting and ending the two processes of a trial takes, about. */
const OVERHEAD_MS = 400
const SHORTEST_UNIT_MS = 40
const LONGEST_UNIT_MS = 2000
/** Half: figures taken before V8 has compiled all of both sides are several times too high. */
const WARMUP_SHARE = 0.5

/** A round trip gives the fewest samples and runs the most code a sample: it gets twice the time. */
const weightOf = ({ workload }: Pick<Trial, 'workload'>): number => (workload === 'round-trip' ? 2 : 1)

/** Milliseconds for each unit of weight, so that these trials take `leftMs` with all their processes. */
export function unitFor(trials: readonly Pick<Trial, 'workload'>[], leftMs: number): number {
  const weight = trials.reduce((sum, trial) => sum + weightOf(trial), 0)
  const unit = (leftMs - OVERHEAD_MS * trials.length) / Math.max(1, weight)
  return Math.min(LONGEST_UNIT_MS, Math.max(SHORTEST_UNIT_MS, unit))
}

export function durationsFor(trial: Pick<Trial, 'workload'>, unitMs: number): Durations {
  const totalMs = unitMs * weightOf(trial)
  return { warmupMs: totalMs * WARMUP_SHARE, durationMs: totalMs * (1 - WARMUP_SHARE) }
}
