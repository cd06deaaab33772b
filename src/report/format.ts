/** How figures and words look, the same in every form of the report. */
import type { Environment, Placement, WaitMode } from '../bench/record.js'
import type { CaseStatus } from '../testing/results.js'
import type { ConformanceSummary, Figure, Group, Row } from './model.js'
import { rateOf, timesOf } from './model.js'

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

export const WAIT: Readonly<Record<WaitMode, string>> = { block: 'blocking', poll: 'event loop' }
export const PLACEMENT: Readonly<Record<Placement, string>> = { 'same-core': 'same core', 'cross-core': 'cross core', free: 'free' }

const BRIEF_PLACEMENT: Readonly<Record<Placement, string>> = { 'same-core': 'same', 'cross-core': 'cross', free: 'free' }

/** `Same core, blocking`. */
export function titleOf({ placement, wait }: Pick<Group, 'placement' | 'wait'>): string {
  const text = `${PLACEMENT[placement]}, ${WAIT[wait]}`
  return text[0]?.toUpperCase() + text.slice(1)
}

const PLACEMENT_STORY: Readonly<Record<Placement, string>> = {
  'same-core': 'Both processes share one processor',
  'cross-core': 'Each process has a processor of its own',
  free: 'The scheduler places both processes',
}
const WAIT_STORY: Readonly<Record<WaitMode, string>> = {
  block: 'the receiver blocks in a system call',
  poll: 'the receiver waits in its event loop with `await`',
}

export const storyOf = ({ placement, wait }: Pick<Group, 'placement' | 'wait'>): string =>
  `${PLACEMENT_STORY[placement]}; ${WAIT_STORY[wait]}. Compare rows of one table only.`

/** A column of the comparison. */
export interface Column {
  readonly id: string
  readonly title: string
  readonly numeric: boolean
  /** Title and text where room is scarce. */
  readonly brief?: { readonly title: string; text?(row: Row): string }
  /** The raw figure behind the text, where there is one. */
  value(row: Row): number | undefined
  text(row: Row): string
}

const figureColumn = (
  id: string,
  title: string,
  brief: string,
  value: (row: Row) => number | undefined,
  format: (value: number) => string,
  figure: (row: Row) => Figure = () => undefined,
): Column => ({
  id,
  title,
  brief: { title: brief },
  numeric: true,
  value,
  text: (row) => {
    const number = value(row)
    return number === undefined ? missing(row, figure(row)) : format(number)
  },
})

/** Why in a word, once a row: what was not even tried says so in its first figure. */
function missing(row: Row, figure: Figure): string {
  if (figure === undefined || figure.status === 'measured' || figure.status === 'impossible') return NONE
  return figure !== row.roundTrip && figure.status === row.roundTrip?.status ? NONE : figure.status.replace('-', ' ')
}

const textColumn = (id: string, title: string, text: (row: Row) => string, brief?: Column['brief']): Column => ({
  id,
  title,
  numeric: false,
  value: () => undefined,
  text,
  ...(brief && { brief }),
})

export const COLUMNS: readonly Column[] = [
  textColumn('adapter', 'adapter', (row) => row.adapter),
  {
    id: 'payload',
    title: 'payload',
    brief: { title: 'size' },
    numeric: true,
    value: (row) => row.payloadBytes,
    text: (row) => formatBytes(row.payloadBytes),
  },
  figureColumn(
    'p50',
    'RTT p50 µs',
    'RTT p50',
    (row) => timesOf(row)?.p50,
    formatNumber,
    (row) => row.roundTrip,
  ),
  figureColumn('p99', 'p99 µs', 'p99', (row) => timesOf(row)?.p99, formatNumber),
  figureColumn('p999', 'p99.9 µs', 'p99.9', (row) => timesOf(row)?.p999, formatNumber),
  figureColumn(
    'rate',
    'messages/s',
    'msgs/s',
    (row) => rateOf(row.throughput, 'messagesPerSecond'),
    formatCount,
    (row) => row.throughput,
  ),
  figureColumn(
    'bulk',
    'GB/s 64 KiB',
    'GB/s',
    (row) => rateOf(row.bulk, 'gigabytesPerSecond'),
    formatNumber,
    (row) => row.bulk,
  ),
  figureColumn('cpu', 'CPU µs/msg', 'CPU', (row) => rateOf(row.roundTrip, 'cpuUsPerMessage'), formatNumber),
  textColumn('placement', 'placement', (row) => PLACEMENT[row.placement], { title: 'core', text: (row) => BRIEF_PLACEMENT[row.placement] }),
  textColumn('wait', 'wait mode', (row) => WAIT[row.wait], { title: 'wait', text: (row) => row.wait }),
  textColumn('conformance', 'conformance', (row) => conformanceText(row.conformance)),
]

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
  const { cpu, processors, virtualized, memoryBytes, kernel, node, commit, mitigations, clock } = environment
  const active = Object.entries(mitigations)
  return [
    ['Processor', `${cpu}${virtualized ? ', virtualized' : ''}`],
    ['Processors allowed', `${processors.length} (${processors.join(', ')})`],
    ['Memory', `${formatNumber(memoryBytes / 2 ** 30)} GiB`],
    ['Kernel', kernel],
    ['Node.js', node],
    ...(commit === undefined ? [] : [['Commit', commit] as [string, string]]),
    ['Clock', `${clock.resolutionNs} ns resolution, ${clock.readingNs} ns a reading`],
    ['Mitigations', active.length === 0 ? 'none' : active.map(([name, state]) => `${name}: ${state}`).join('; ')],
  ]
}
