/** Which figures a record has, what they are called and how they look. The page has this file, too. */
import type { BenchRecord, Floor } from '../bench/record.js'
import { formatCount, formatNumber, formatRatio, formatSpread, isRate } from './format.js'

export type Measured = Extract<BenchRecord, { status: 'measured' }>
export type MeasuredFloor = Extract<Floor, { status: 'measured' }>

/** One figure of a record. */
export interface FigureKind {
  readonly id: string
  readonly title: string
  /** As it stands in report.json, unrounded. */
  value(record: Measured): number | undefined
  text(record: Measured): string
}

const figure = (
  id: string,
  title: string,
  value: (record: Measured) => number | undefined,
  format: (value: number) => string = formatNumber,
  text = (record: Measured): string => {
    const number = value(record)
    return number === undefined ? '' : format(number)
  },
): FigureKind => ({ id, title, value, text })

const UNITS = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
] as const

function formatMemory(bytes: number): string {
  const [scale, unit] = UNITS.find(([least]) => bytes >= least) ?? [1, 'B']
  return `${formatNumber(bytes / scale)} ${unit}`
}

export const floorOf = (record: BenchRecord): MeasuredFloor | undefined =>
  record.status === 'measured' && record.floor?.status === 'measured' ? record.floor : undefined

/** What the record is ranked by: µs, where less is better, or messages a second. */
export const figureOf = (record: BenchRecord): number | undefined =>
  record.status !== 'measured' ? undefined : isRate(record.workload) ? record.messagesPerSecond : record.timesUs?.p50

/** In the order in which they stand in a row. */
export const FIGURES: readonly FigureKind[] = [
  figure('p50', 'p50 µs', ({ timesUs }) => timesUs?.p50),
  figure('p99', 'p99 µs', ({ timesUs }) => timesUs?.p99),
  figure('p999', 'p99.9 µs', ({ timesUs }) => timesUs?.p999),
  figure('max', 'max µs', ({ timesUs }) => timesUs?.max),
  figure('rate', 'messages/s', ({ messagesPerSecond }) => messagesPerSecond, formatCount),
  figure('bulk', 'GB/s', ({ gigabytesPerSecond }) => gigabytesPerSecond),
  figure(
    'ratio',
    '× C (95 % interval)',
    (record) => floorOf(record)?.ratio.value,
    undefined,
    ({ floor }) => (floor === undefined ? '' : floor.status === 'measured' ? formatRatio(floor.ratio) : `C ${floor.status}`),
  ),
  figure(
    'reached',
    'rate reached of wanted',
    ({ rate }) => rate?.reached,
    undefined,
    ({ rate }) => (rate === undefined ? '' : `${formatCount(rate.reached)} of ${formatCount(rate.wanted)}`),
  ),
  figure('channels', 'channels', ({ idle }) => idle?.channels, String),
  figure('memory', 'memory/channel', ({ idle }) => idle?.bytesPerChannel, formatMemory),
  figure('descriptors', 'descriptors/channel', ({ idle }) => idle?.descriptorsPerChannel),
  figure('endpoint', 'endpoint ns', ({ wrapper }) => wrapper?.endpointNs),
  figure(
    'added',
    'the channel adds ns (95 % interval)',
    ({ wrapper }) => wrapper?.addedNs.value,
    undefined,
    ({ wrapper }) => (wrapper === undefined ? '' : formatSpread(wrapper.addedNs)),
  ),
  figure('cpu', 'CPU µs/msg', ({ cpuUsPerMessage }) => cpuUsPerMessage),
  figure('voluntary', 'waits/msg', ({ switchesPerMessage }) => switchesPerMessage?.voluntary),
  figure('involuntary', 'preemptions/msg', ({ switchesPerMessage }) => switchesPerMessage?.involuntary),
  figure('syscalls', 'system calls/msg', ({ syscallsPerMessage }) => syscallsPerMessage),
  figure('garbage', 'garbage B/msg', ({ garbageBytesPerMessage }) => garbageBytesPerMessage),
  figure('rss', 'peak RSS', ({ peakRssBytes }) => peakRssBytes, formatMemory),
  figure('lost', 'lost', ({ lost }) => (lost > 0 ? lost : undefined), String),
]

/** In a line each, for who points at the record. */
export const describe = (record: Measured): string[] => [
  ...FIGURES.filter((kind) => kind.text(record) !== '').map((kind) => `${kind.title}: ${kind.text(record)}`),
  ...floorLines(record),
  ...(record.batch > 1 ? [`each time is the mean of ${record.batch}`] : []),
  ...(record.notes ?? []),
  ...(record.idle?.limit === undefined ? [] : [`no more channels: ${record.idle.limit}`]),
]

function floorLines({ floor }: Measured): string[] {
  if (floor === undefined) return []
  if (floor.status !== 'measured') return [`C ${floor.status}: ${floor.reason}`]
  const { timesUs, messagesPerSecond } = floor
  return [
    ...(timesUs === undefined ? [] : [`C: p50 ${formatNumber(timesUs.p50)} µs, p99 ${formatNumber(timesUs.p99)} µs`]),
    ...(messagesPerSecond === undefined ? [] : [`C: ${formatCount(messagesPerSecond)} messages/s`]),
  ]
}
