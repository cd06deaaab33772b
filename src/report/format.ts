/** How figures and words look, the same in every form of the report. The page has this file, too. */
import type { Conditions, Environment, Placement, Ratio, Spread, WaitMode, Workload } from '../bench/record.js'
import type { CaseStatus } from '../testing/results.js'
import type { ConformanceSummary } from './conformance.js'

export const NONE = '–'

/** Three significant digits at least, no exponent. */
export function formatNumber(value: number): string {
  if (value === 0) return '0'
  // Of the rounded value: 99.96 becomes 100, which has a digit more.
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(3)))))
  return value.toFixed(Math.min(Math.max(0, 2 - magnitude), 6))
}

const SCALES = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const

/** 1.25 M, 830 k. */
export function formatCount(value: number): string {
  const [scale, prefix] = SCALES.find(([least]) => value >= 0.9995 * least) ?? [1, '']
  return `${formatNumber(value / scale)}${prefix === '' ? '' : ` ${prefix}`}`
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1024 && bytes % 1024 === 0) return bytes % (1024 * 1024) === 0 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`
  return `${bytes} B`
}

/** In a reader's order: what wastes least first. */
export const WAIT: Readonly<Record<WaitMode, string>> = { block: 'blocking', poll: 'event loop', adaptive: 'adaptive', spin: 'spinning' }
export const PLACEMENT: Readonly<Record<Placement, string>> = { 'same-core': 'same core', 'cross-core': 'cross core', free: 'free' }
export const BRIEF_PLACEMENT: Readonly<Record<Placement, string>> = { 'same-core': 'same', 'cross-core': 'cross', free: 'free' }
export const WORKLOAD: Readonly<Record<Workload, string>> = {
  'round-trip': 'Round trip',
  throughput: 'Throughput',
  gathered: 'Throughput, awaited by the batch',
  'one-way': 'One way at a fixed rate',
  'fan-in': 'Many senders, one receiver',
  rendezvous: 'Rendezvous',
  idle: 'Idle channels',
  wrapper: 'Cost of the channel',
}

type Setting = Pick<Conditions, 'placement' | 'wait'>

/** `same core, blocking`. */
export const settingOf = ({ placement, wait }: Setting): string => `${PLACEMENT[placement]}, ${WAIT[wait]}`

/** `Same core, blocking`. */
export const titleOf = (setting: Setting): string => capitalized(settingOf(setting))

export const capitalized = (text: string): string => (text[0]?.toUpperCase() ?? '') + text.slice(1)

const PLACEMENT_STORY: Readonly<Record<Placement, string>> = {
  'same-core': 'Both processes share one processor',
  'cross-core': 'Each process has a processor of its own',
  free: 'The scheduler places both processes',
}
const WAIT_STORY: Readonly<Record<WaitMode, string>> = {
  block: 'the receiver blocks in a system call',
  poll: 'the receiver waits in its event loop with `await`',
  adaptive: 'the receiver asks again and again for a while, and blocks then',
  spin: 'the receiver asks again and again and never waits',
}

export const storyOf = ({ placement, wait }: Setting): string =>
  `${PLACEMENT_STORY[placement]}; ${WAIT_STORY[wait]}. Compare rows of one table only.`

export const WORKLOAD_STORY: Readonly<Record<Workload, string>> = {
  'round-trip': 'One message there and back at a time, as fast as it goes.',
  throughput: 'As many messages one way as the receiver takes, acknowledged in batches.',
  gathered: 'As throughput, but the sender awaits a batch and not each message: what is sent in one turn goes together.',
  'one-way': 'Messages at a fixed rate, each timed from the moment at which it was due.',
  'fan-in': 'Several processes send to one receiver as fast as it takes.',
  rendezvous: 'From the offer to the first message.',
  idle: 'Channels that carry nothing, and the time until one of them that gets a message is awake.',
  wrapper:
    'A message from one channel to another in one process, without any waiting, by turns with the same calls of the endpoints below: the frames of a byte stream are in both, and what is added is the channel’s own.',
}

/** What rows with a figure are ranked by, and whether less of it is better. */
export const isRate = (workload: Workload): boolean => workload === 'throughput' || workload === 'gathered' || workload === 'fan-in'

/** Payloads of one class stand for each other: all up to 64 bytes, for events carry none and signals four; else each its own. */
export const sizeClass = (payloadBytes: number): number => Math.max(64, payloadBytes)
export const formatSizeClass = (size: number): string => (size === 64 ? 'up to 64 B' : formatBytes(size))

/** `×1.12 (1.08–1.16)`: ours as a multiple of C's, and the interval that has the true one with 95 %. */
export const formatRatio = ({ value, low, high }: Ratio): string => `×${ratioNumber(value)} (${ratioNumber(low)}–${ratioNumber(high)})`
/** `38.1 (36.2–41.0)` */
export const formatSpread = ({ value, low, high }: Omit<Spread, 'launches'>): string =>
  `${formatNumber(value)} (${formatNumber(low)}–${formatNumber(high)})`
/** Two digits behind the point say enough of a ratio near 1. */
export const ratioNumber = (value: number): string => (value >= 0.1 && value < 100 ? value.toFixed(2) : formatNumber(value))

/** The promises of `core/channel.ts`, in a few words. */
export const PROMISES: Readonly<Record<number, string>> = {
  1: 'duplex, facts as declared',
  2: 'whole and byte-identical',
  3: 'in order',
  4: 'nothing dropped when full',
  5: 'receiving, and the end',
  6: 'payload limits',
  7: 'abort and timeout',
  8: 'closing, and a peer’s death',
  9: 'without waiting, in place',
  10: 'life of the process',
  11: 'names',
  12: 'hostile peers',
  13: 'shared layouts',
  14: 'locks of the dead',
}

export const MARKS: Readonly<Record<CaseStatus, string>> = { passed: '✓', absent: '○', failed: '✗', 'not-kept': '!', skipped: '?' }
export const MARKS_KEY = '✓ passed, ○ absent as declared, ✗ failed, ! not kept (declared), ? could not be tried'

export function conformanceText(summary: ConformanceSummary | undefined): string {
  if (summary === undefined) return NONE
  if (summary.unavailable !== undefined) return 'unavailable'
  const { counts } = summary
  return (Object.keys(MARKS) as CaseStatus[])
    .filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${MARKS[status]}`)
    .join(' ')
}

/** Who measured where, a line each. */
export function environmentLines(environment: Environment): [string, string][] {
  const { cpu, processors, virtualized, memoryBytes, kernel, node, commit, governor, load, mitigations, clock } = environment
  const active = Object.entries(mitigations)
  return [
    ['Processor', `${cpu}${virtualized ? ', virtualized' : ''}`],
    ['Processors allowed', `${processors.length} (${processors.join(', ')})`],
    ['Memory', `${formatNumber(memoryBytes / 2 ** 30)} GiB`],
    ['Kernel', kernel],
    ['Node.js', node],
    ...(commit === undefined ? [] : [['Commit', commit] as [string, string]]),
    ...(governor === undefined ? [] : [['Frequency', governor] as [string, string]]),
    ...(load === undefined ? [] : [['Load', `${formatNumber(load)} before the run`] as [string, string]]),
    ['Clock', `${clock.resolutionNs} ns resolution, ${clock.readingNs} ns a reading`],
    ['Mitigations', active.length === 0 ? 'none' : active.map(([name, state]) => `${name}: ${state}`).join('; ')],
  ]
}
