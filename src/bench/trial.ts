/** One exchange under one set of conditions, and why an adapter may not have it. */
import type { Capabilities } from '../core/channel.js'
import { HEADER_BYTES } from './payload.js'
import { PEER } from './peers/peer.js'
import type { Conditions, Placement, WaitMode, Workload } from './record.js'
import { WHOLE_BYTES } from './shared.js'

/** What is sent between two acknowledgements. */
const BATCH_BYTES = 1024 * 1024
const BATCH_MESSAGES = 1024
/** Where the mechanism drops what it has no room for: less than its default room, with the kernel's own cost of each message. */
const LOSSY_BATCH_BYTES = 64 * 1024
const LOSSY_MESSAGE_COST = 1024
/** A sequence number and the time at which the message was due. */
export const STAMPED_BYTES = 12
/** Messages a second with the workload `one-way`: a rate that every mechanism here keeps, so that rows compare. */
const RATE = 5000

/** What the plan must know of an adapter. */
export interface Subject {
  readonly id: string
  readonly capabilities: Pick<
    Capabilities,
    'framing' | 'asyncWait' | 'payload' | 'sync' | 'whenFull' | 'end' | 'connects' | 'opens' | 'peers' | 'rendezvous'
  >
  /** Its two sides are threads of one process. */
  readonly thread: boolean
  /** Its waits spin before they sleep. */
  readonly spins: boolean
  /** It stands for its mechanism where there is no time for every adapter. */
  readonly leads: boolean
  readonly unavailable?: string | undefined
}

/** One exchange between fresh processes. */
export interface Trial extends Conditions {
  readonly thread: boolean
  /** The mechanism drops what it has no room for: losses are counted instead of failing the trial. */
  readonly lossy: boolean
  /** The peer learns of the end through the mechanism. */
  readonly ends: boolean
  /** Messages that the receiver acknowledges at once; with the workloads `throughput` and `fan-in`. */
  readonly batchMessages: number
  readonly ackBytes: number
  /** With `fan-in`: all senders write to one object, without a connection. */
  readonly shared: boolean
  /** With `one-way`. */
  readonly ratePerSecond?: number
  /** With `idle`. */
  readonly channels?: number
  /** The C floor takes turns with it. */
  readonly floor: boolean
  /** System calls and garbage are counted, in runs of their own. */
  readonly costs: boolean
  readonly unavailable?: string
  /** Why this adapter has no such figure. */
  readonly impossible?: string
}

/** What a plan says of a trial. */
export interface Wanted {
  readonly workload: Workload
  readonly payloadBytes: number
  readonly placement: Placement
  readonly wait: WaitMode
  readonly senders?: number
  readonly floor?: boolean
  readonly costs?: boolean
}

const IDLE_CHANNELS = 1000
/** Every mechanism has room for so much. */
const AT_ONCE_BYTES = 4096

export function trialOf(subject: Subject, wanted: Wanted): Trial {
  const { workload, payloadBytes, placement, wait, senders, floor = false, costs = false } = wanted
  const { payload, whenFull, end, peers, opens } = subject.capabilities
  const shared = workload === 'fan-in' && peers === 'one' && opens
  const lossy = whenFull === 'drop'
  const impossible = impossibility(subject, wanted)
  const mechanism = subject.id.split('/')[0] ?? subject.id
  return {
    adapter: subject.id,
    mechanism,
    workload,
    payloadBytes,
    placement,
    wait,
    ...(senders === undefined ? {} : { senders }),
    thread: subject.thread,
    lossy,
    ends: end !== 'none',
    batchMessages: lossy
      ? Math.max(1, Math.floor(LOSSY_BATCH_BYTES / (payloadBytes + LOSSY_MESSAGE_COST)))
      : Math.min(BATCH_MESSAGES, Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, payloadBytes)))),
    ackBytes: Math.min(Math.max(8, payload.min), payload.max),
    shared,
    ...(workload === 'one-way' ? { ratePerSecond: RATE } : {}),
    ...(workload === 'idle' ? { channels: IDLE_CHANNELS } : {}),
    floor: floor && mechanism !== PEER && hasFloor(workload) && !shared,
    costs,
    ...(subject.unavailable === undefined ? {} : { unavailable: subject.unavailable }),
    ...(impossible === undefined ? {} : { impossible }),
  }
}

/** The exchanges that the floors are written for, with a channel a sender; what users pick instead has none. */
const hasFloor = (workload: Workload): boolean => workload === 'round-trip' || workload === 'throughput' || workload === 'fan-in'

export const runnable = (trial: Trial): boolean => trial.unavailable === undefined && trial.impossible === undefined

function impossibility(subject: Subject, wanted: Wanted): string | undefined {
  if (!subject.capabilities.connects) return 'makes no channel between two processes'
  return (
    (wanted.workload === 'wrapper' ? undefined : unfitWait(subject, wanted)) ??
    unfitPayload(subject, wanted) ??
    unfitWorkload(subject, wanted)
  )
}

function unfitWait({ capabilities, spins }: Subject, { wait, placement }: Wanted): string | undefined {
  if (wait === 'poll') return undefined
  if (!capabilities.sync)
    return wait === 'spin'
      ? 'messages come through the event loop, which a spin would never let run'
      : 'has no blocking calls, only the event loop'
  if (wait !== 'block' && placement === 'same-core') return 'who spins on the one processor keeps the other side from answering'
  if (wait === 'adaptive' && !spins) return 'its waits do not spin: see the wait mode block'
  if (wait === 'block' && spins && placement !== 'same-core') return 'its waits spin before they block: see the wait mode adaptive'
  return undefined
}

function unfitPayload({ capabilities: { payload, whenFull } }: Subject, { payloadBytes }: Wanted): string | undefined {
  if (whenFull === 'drop' && payloadBytes < HEADER_BYTES) return `which message was lost is told by its number of ${HEADER_BYTES} bytes`
  if (payloadBytes > payload.max && payload.max === 0) return 'events carry no bytes'
  if (payloadBytes > payload.max) return `a message has at most ${payload.max} bytes`
  if (payloadBytes < payload.min) return `a message has at least ${payload.min} bytes`
  return undefined
}

function unfitWorkload(
  { id, capabilities, thread }: Subject,
  { workload, payloadBytes, placement, wait, senders = 1 }: Wanted,
): string | undefined {
  const { whenFull, peers, rendezvous, opens } = capabilities
  switch (workload) {
    case 'round-trip':
      return undefined
    case 'throughput':
      return whenFull === 'coalesce' ? 'equal events coalesce, so that their number means nothing' : undefined
    case 'gathered':
      if (wait !== 'poll') return 'a call that blocks leaves nothing to await'
      if (id.startsWith(`${PEER}/`)) return 'is never awaited by the message: its throughput is this'
      if (whenFull === 'drop') return 'drops what it has no room for, and nobody waits for room'
      return whenFull === 'coalesce' ? 'equal events coalesce, so that their number means nothing' : undefined
    case 'one-way':
      if (payloadBytes < STAMPED_BYTES) return `a message has no room for the ${STAMPED_BYTES} bytes of its number and its time`
      if (placement === 'same-core') return 'the sender keeps the time by spinning, which takes a processor of its own'
      return undefined
    case 'fan-in':
      if (wait !== 'poll') return 'one receiver waits for all its channels in the event loop'
      if (rendezvous === 'inherit' || thread) return 'a channel is inherited by one child: there is no address for several senders'
      if (senders > 1 && peers === 'one' && !opens) return 'a listener serves one peer'
      if (peers === 'one' && opens && payloadBytes < HEADER_BYTES) return `whose message it is its number of ${HEADER_BYTES} bytes tells`
      if (peers === 'one' && opens && payloadBytes > WHOLE_BYTES) return `of several writers at most ${WHOLE_BYTES} bytes stay whole`
      if (peers === 'one' && opens && whenFull !== 'block') return 'a sender does not learn when there is room again'
      if (whenFull === 'coalesce') return 'equal events coalesce, so that their number means nothing'
      return undefined
    case 'rendezvous':
      return wait === 'poll' ? undefined : 'processes meet in the event loop'
    case 'idle':
      if (wait !== 'poll') return 'one thread waits for all channels in the event loop'
      return rendezvous === 'inherit' || thread ? 'a channel is inherited, and with it goes a child of its own' : undefined
    case 'wrapper':
      if (wait !== 'spin' || placement !== 'same-core')
        return 'one process makes calls that never wait: see same-core and the wait mode spin'
      if (rendezvous === 'inherit' || thread) return 'a channel is inherited by one child: one process has but one end'
      if (rendezvous === 'pid') return 'signals come through a thread of their own, for which the calls would have to wait'
      if (whenFull === 'drop') return 'what is dropped would be waited for'
      if (payloadBytes > AT_ONCE_BYTES) return `what does not fit at once would be waited for: more than ${AT_ONCE_BYTES} bytes`
      return undefined
  }
}
