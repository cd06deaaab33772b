/** What the summary has no column for, as tables of text: the other workloads, and how figures grow with the payload. */
import type { BenchRecord, Workload } from '../bench/record.js'
import { FIGURES, figureOf, floorOf, type Measured } from './figures.js'
import {
  capitalized,
  formatBytes,
  formatCount,
  formatNumber,
  isRate,
  NONE,
  PLACEMENT,
  ratioNumber,
  settingOf,
  WAIT,
  WORKLOAD,
  WORKLOAD_STORY,
} from './format.js'
import { groupBy, type Report } from './model.js'

export interface TextTable {
  readonly title: string
  readonly story: string
  readonly columns: readonly { readonly title: string; readonly numeric: boolean }[]
  readonly rows: readonly (readonly string[])[]
  /** Why a record has no row. */
  readonly notes: readonly { readonly adapters: readonly string[]; readonly text: string; readonly failed: boolean }[]
}

export const tablesOf = ({ records }: Report): TextTable[] => [
  ...(['round-trip', 'throughput'] as const).flatMap((workload) => sizesTables(records, workload)),
  ...(['gathered', 'one-way', 'rendezvous', 'idle', 'wrapper'] as const).flatMap((workload) => workloadTable(records, workload)),
  ...fanInTable(records),
]

const text = (title: string) => ({ title, numeric: false })
const number = (title: string) => ({ title, numeric: true })

const SHOWN: Readonly<Partial<Record<Workload, readonly string[]>>> = {
  gathered: ['rate', 'cpu'],
  'one-way': ['p50', 'ratio', 'p99', 'p999', 'reached', 'cpu'],
  rendezvous: ['p50', 'ratio', 'p99', 'cpu'],
  idle: ['channels', 'memory', 'descriptors', 'p50', 'p99'],
  wrapper: ['p50', 'endpoint', 'added', 'garbage'],
}

function workloadTable(records: readonly BenchRecord[], workload: 'gathered' | 'one-way' | 'rendezvous' | 'idle' | 'wrapper'): TextTable[] {
  const own = records.filter((record) => record.workload === workload)
  if (own.length === 0) return []
  const measured = own.filter((record) => record.status === 'measured').sort(byFigure)
  const kinds = FIGURES.filter(({ id }) => SHOWN[workload]?.includes(id) && measured.some((record) => kindText(record, id) !== NONE))
  return [
    {
      title: WORKLOAD[workload],
      story: WORKLOAD_STORY[workload],
      columns: [
        text('adapter'),
        ...(workload === 'idle' ? [] : [number('payload')]),
        ...kinds.map(({ title }) => number(title)),
        text('placement'),
        text('wait mode'),
      ],
      rows: measured.map((record) => [
        record.adapter,
        ...(workload === 'idle' ? [] : [formatBytes(record.payloadBytes)]),
        ...kinds.map(({ id }) => kindText(record, id)),
        PLACEMENT[record.placement],
        WAIT[record.wait],
      ]),
      notes: [
        ...notesOf(own),
        ...measured.flatMap(({ adapter, idle }) =>
          idle?.limit === undefined
            ? []
            : [{ adapters: [adapter], text: `no more than ${idle.channels} channels: ${idle.limit}`, failed: false }],
        ),
      ],
    },
  ]
}

const kindText = (record: Measured, id: string): string => FIGURES.find((kind) => kind.id === id)?.text(record) || NONE

const byFigure = (a: BenchRecord, b: BenchRecord): number => (figureOf(a) ?? 0) - (figureOf(b) ?? 0) || a.adapter.localeCompare(b.adapter)

/** A column for each number of senders. */
function fanInTable(records: readonly BenchRecord[]): TextTable[] {
  const own = records.filter(({ workload }) => workload === 'fan-in')
  if (own.length === 0) return []
  const counts = [...new Set(own.map(({ senders }) => senders ?? 1))].sort((a, b) => a - b)
  const rows = [...groupBy(own, (record) => `${record.adapter} ${record.payloadBytes} ${record.placement} ${record.wait}`).values()]
  return [
    {
      title: WORKLOAD['fan-in'],
      story: `${WORKLOAD_STORY['fan-in']} Messages a second of all senders together.`,
      columns: [
        text('adapter'),
        number('payload'),
        ...counts.map((n) => number(n === 1 ? '1 sender' : `${n} senders`)),
        text('placement'),
        text('wait mode'),
      ],
      rows: rows
        .filter((row) => row.some(({ status }) => status === 'measured'))
        .map((row) => {
          const { adapter, payloadBytes, placement, wait } = row[0] as BenchRecord
          const cells = counts.map((n) =>
            withRatio(
              row.find(({ senders }) => (senders ?? 1) === n),
              formatCount,
            ),
          )
          return [adapter, formatBytes(payloadBytes), ...cells, PLACEMENT[placement], WAIT[wait]]
        }),
      notes: notesOf(own),
    },
  ]
}

/** A column for each payload, where there are more than the two of the summary. */
function sizesTables(records: readonly BenchRecord[], workload: 'round-trip' | 'throughput'): TextTable[] {
  const own = records.filter((record) => record.workload === workload)
  return [...groupBy(own, settingOf)]
    .flatMap(([setting, group]) => {
      const series = [...groupBy(group, ({ adapter }) => adapter).values()].filter(
        (row) => new Set(row.filter(({ status }) => status === 'measured').map(({ payloadBytes }) => payloadBytes)).size > 2,
      )
      if (series.length === 0) return []
      const sizes = [...new Set(series.flat().map(({ payloadBytes }) => payloadBytes))].sort((a, b) => a - b)
      const what = isRate(workload) ? 'GB/s' : 'RTT p50 in µs'
      return [
        {
          title: `${WORKLOAD[workload]} over the payload: ${setting}`,
          story: `${what}${series.flat().some((record) => floorOf(record) !== undefined) ? ', and as a multiple of C' : ''}. The slope is what a further byte costs, from the smallest to the largest payload.`,
          columns: [text('adapter'), ...sizes.map((size) => number(formatBytes(size))), number('ns/B')],
          rows: series.map((row) => [
            (row[0] as BenchRecord).adapter,
            ...sizes.map((size) =>
              withRatio(
                row.find(({ payloadBytes }) => payloadBytes === size),
                formatNumber,
                (record) => (isRate(workload) ? record.gigabytesPerSecond : record.timesUs?.p50),
              ),
            ),
            slopeOf(row),
          ]),
          notes: notesOf(series.flat()),
        },
      ]
    })
    .map((table) => ({ ...table, title: capitalized(table.title) }))
}

function withRatio(
  record: BenchRecord | undefined,
  format: (value: number) => string,
  pick: (record: Measured) => number | undefined = figureOf,
): string {
  if (record === undefined || record.status === 'impossible') return NONE
  if (record.status !== 'measured') return record.status.replace('-', ' ')
  const value = pick(record)
  const ratio = floorOf(record)?.ratio
  return value === undefined ? NONE : `${format(value)}${ratio === undefined ? '' : ` ×${ratioNumber(ratio.value)}`}`
}

/** Nanoseconds that a further byte takes one way. */
function slopeOf(records: readonly BenchRecord[]): string {
  const points = records
    .flatMap((record) => {
      const figure = figureOf(record)
      return figure === undefined ? [] : [{ bytes: record.payloadBytes, ns: isRate(record.workload) ? 1e9 / figure : (1000 * figure) / 2 }]
    })
    .sort((a, b) => a.bytes - b.bytes)
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || last.bytes === first.bytes) return NONE
  return formatNumber(Math.max(0, (last.ns - first.ns) / (last.bytes - first.bytes)))
}

function notesOf(records: readonly BenchRecord[]): TextTable['notes'] {
  const missing = records.flatMap((record) =>
    record.status === 'measured'
      ? []
      : [{ adapter: record.adapter, text: `${record.status.replace('-', ' ')}: ${record.reason}`, failed: record.status === 'failed' }],
  )
  return [...groupBy(missing, ({ text }) => text)].map(([text, about]) => ({
    adapters: [...new Set(about.map(({ adapter }) => adapter))],
    text,
    failed: about[0]?.failed === true,
  }))
}
