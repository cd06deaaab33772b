/** The columns of the summary: a row is an adapter under one placement and wait mode. */
import {
  BRIEF_PLACEMENT,
  conformanceText,
  formatBytes,
  formatCount,
  formatNumber,
  formatRatio,
  NONE,
  PLACEMENT,
  ratioNumber,
  WAIT,
} from './format.js'
import { type Figure, type Group, type Row, rateOf, ratioOf, timesOf } from './model.js'

export interface Column {
  readonly id: string
  readonly title: string
  readonly numeric: boolean
  /** Title and text where room is scarce. */
  readonly brief?: { readonly title: string; text?(row: Row): string }
  text(row: Row): string
}

const numberColumn = (
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

const ratioColumn = (id: string, title: string, figure: (row: Row) => Figure): Column => {
  const text = (row: Row, format: (ratio: NonNullable<ReturnType<typeof ratioOf>>) => string) => {
    const ratio = ratioOf(figure(row))
    return ratio === undefined ? NONE : format(ratio)
  }
  return {
    id,
    title,
    brief: { title: '×C', text: (row) => text(row, ({ value }) => ratioNumber(value)) },
    numeric: true,
    text: (row) => text(row, formatRatio),
  }
}

const textColumn = (id: string, title: string, text: (row: Row) => string, brief?: Column['brief']): Column => ({
  id,
  title,
  numeric: false,
  text,
  ...(brief && { brief }),
})

const roundTrip = (row: Row) => row.roundTrip
const throughput = (row: Row) => row.throughput

const COLUMNS: readonly Column[] = [
  textColumn('adapter', 'adapter', (row) => row.adapter),
  { id: 'payload', title: 'payload', brief: { title: 'size' }, numeric: true, text: (row) => formatBytes(row.payloadBytes) },
  numberColumn('p50', 'RTT p50 µs', 'RTT p50', (row) => timesOf(row)?.p50, formatNumber, roundTrip),
  ratioColumn('ratio', 'RTT × C', roundTrip),
  numberColumn('p99', 'p99 µs', 'p99', (row) => timesOf(row)?.p99, formatNumber),
  numberColumn('p999', 'p99.9 µs', 'p99.9', (row) => timesOf(row)?.p999, formatNumber),
  numberColumn('rate', 'messages/s', 'msgs/s', (row) => rateOf(row.throughput, 'messagesPerSecond'), formatCount, throughput),
  ratioColumn('rate-ratio', 'messages × C', throughput),
  numberColumn(
    'bulk',
    'GB/s 64 KiB',
    'GB/s',
    (row) => rateOf(row.bulk, 'gigabytesPerSecond'),
    formatNumber,
    (row) => row.bulk,
  ),
  numberColumn('cpu', 'CPU µs/msg', 'CPU', (row) => rateOf(row.roundTrip, 'cpuUsPerMessage'), formatNumber),
  textColumn('placement', 'placement', (row) => PLACEMENT[row.placement], { title: 'core', text: (row) => BRIEF_PLACEMENT[row.placement] }),
  textColumn('wait', 'wait mode', (row) => WAIT[row.wait], { title: 'wait', text: (row) => row.wait }),
  textColumn('conformance', 'conformance', (row) => conformanceText(row.conformance)),
]

const ALWAYS = new Set(['adapter', 'payload', 'p50'])

/** The columns that say something about one of these rows. */
export const columnsOf = ({ rows }: Pick<Group, 'rows'>): Column[] =>
  COLUMNS.filter((column) => ALWAYS.has(column.id) || rows.some((row) => column.text(row) !== NONE))
