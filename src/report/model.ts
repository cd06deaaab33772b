/** From records and conformance results to what a report shows. Pure: nothing is run, read or written here. */
import type { BenchRecord, Environment, Measurement, Outcome, Placement, RoundTripTimes, WaitMode } from '../bench/record.js'
import type { CaseStatus, ConformanceReport } from '../testing/results.js'

export const REPORT_VERSION = 1

/** `report.json`: everything that the other forms of the report show. */
export interface Report {
  readonly version: typeof REPORT_VERSION
  /** ISO 8601. */
  readonly createdAt: string
  /** The run was ended before everything was measured. */
  readonly partial: boolean
  readonly environment: Environment
  readonly records: readonly BenchRecord[]
  readonly conformance: readonly ConformanceReport[]
}

export function makeReport(parts: {
  environment: Environment
  records: readonly BenchRecord[]
  conformance?: readonly ConformanceReport[]
  createdAt?: Date
}): Report {
  return {
    version: REPORT_VERSION,
    createdAt: (parts.createdAt ?? new Date()).toISOString(),
    partial: parts.records.some(({ status }) => status === 'not-run'),
    environment: parts.environment,
    records: parts.records,
    conformance: parts.conformance ?? [],
  }
}

/** Why a figure is not there. */
export interface Missing {
  readonly status: Exclude<Outcome['status'], 'measured'>
  readonly reason: string
}

/** A measurement, or why there is none; absent where the plan had no such trial. */
export type Figure = (Measurement & { readonly status: 'measured'; readonly payloadBytes: number }) | Missing | undefined

export interface ConformanceSummary {
  readonly counts: Readonly<Record<CaseStatus, number>>
  readonly unavailable?: string
  /** What did not pass, apart from what is absent as declared. */
  readonly remarks: readonly Remark[]
  readonly absent: readonly Remark[]
}

/** A case that did not simply pass, and why. */
export interface Remark {
  readonly promise: number
  readonly title: string
  readonly status: CaseStatus
  readonly reason: string
}

/** One adapter under one placement and wait mode. */
export interface Row {
  readonly adapter: string
  readonly mechanism: string
  readonly placement: Placement
  readonly wait: WaitMode
  readonly payloadBytes: number
  readonly roundTrip: Figure
  /** Throughput of the round trip's payload. */
  readonly throughput: Figure
  /** Throughput of the largest payload, where that is another. */
  readonly bulk: Figure
  readonly conformance?: ConformanceSummary
}

/** Rows that may be compared with each other, the shortest median round trip first. */
export interface Group {
  readonly placement: Placement
  readonly wait: WaitMode
  readonly rows: readonly Row[]
  /** Adapters that cannot be in this group by nature. */
  readonly leftOut: readonly { readonly adapter: string; readonly reason: string }[]
}

export interface Model {
  readonly report: Report
  readonly groups: readonly Group[]
  /** Of every adapter, also of those that no group has. */
  readonly conformance: ReadonlyMap<string, ConformanceSummary>
}

export function modelOf(report: Report): Model {
  const conformance = new Map(report.conformance.map((results) => [results.adapter, summarize(results)]))
  const groups = [...groupBy(report.records, ({ placement, wait }) => `${placement} ${wait}`).values()].map((records) =>
    groupOf(records, conformance),
  )
  return { report, groups, conformance }
}

function groupOf(records: readonly BenchRecord[], conformance: ReadonlyMap<string, ConformanceSummary>): Group {
  const { placement, wait } = records[0] as BenchRecord
  const rows: Row[] = []
  const leftOut: { adapter: string; reason: string }[] = []
  for (const [adapter, own] of groupBy(records, (record) => record.adapter)) {
    const first = own[0] as BenchRecord
    if (first.status === 'impossible' && own.every(({ status }) => status === 'impossible')) leftOut.push({ adapter, reason: first.reason })
    else rows.push(rowOf(own, conformance.get(adapter)))
  }
  return { placement, wait, rows: rows.sort(byMedian), leftOut }
}

function rowOf(records: readonly BenchRecord[], conformance: ConformanceSummary | undefined): Row {
  const roundTrip = records.find(({ workload }) => workload === 'round-trip')
  const streams = records.filter(({ workload }) => workload === 'throughput').sort((a, b) => a.payloadBytes - b.payloadBytes)
  const { adapter, mechanism, placement, wait, payloadBytes } = roundTrip ?? (streams[0] as BenchRecord)
  const throughput = streams.find((record) => record.payloadBytes === payloadBytes)
  const largest = streams.at(-1)
  return {
    adapter,
    mechanism,
    placement,
    wait,
    payloadBytes,
    roundTrip,
    throughput,
    bulk: largest === throughput ? undefined : largest,
    ...(conformance === undefined ? {} : { conformance }),
  }
}

const LAST: readonly Outcome['status'][] = ['measured', 'failed', 'not-run', 'unavailable', 'impossible']

function byMedian(a: Row, b: Row): number {
  const place = (row: Row) => LAST.indexOf(row.roundTrip?.status ?? 'impossible')
  return place(a) - place(b) || (timesOf(a)?.p50 ?? 0) - (timesOf(b)?.p50 ?? 0) || a.adapter.localeCompare(b.adapter)
}

export const timesOf = (row: Row): RoundTripTimes | undefined => (row.roundTrip?.status === 'measured' ? row.roundTrip.rttUs : undefined)

/** A number out of a figure, where it was measured. */
export const rateOf = (figure: Figure, name: 'messagesPerSecond' | 'gigabytesPerSecond' | 'cpuUsPerMessage'): number | undefined =>
  figure?.status === 'measured' ? figure[name] : undefined

/** What a reader must know about the figures of a row: what is missing and why, what was lost, what was timed in batches. */
function remarksOn(row: Row): Omit<Note, 'adapters'>[] {
  const figures = [
    ['round trip', row.roundTrip],
    ['throughput', row.throughput],
    ['64 KiB throughput', row.bulk],
  ] as const
  const missing = new Map<string, { status: Missing['status']; names: string[] }>()
  const remarks: Omit<Note, 'adapters'>[] = []
  const remark = (text: string) => remarks.push({ status: 'measured', text })
  for (const [name, figure] of figures) {
    if (figure === undefined) continue
    if (figure.status === 'measured') {
      if (figure.lost > 0)
        remark(`${name}: ${figure.lost} of ${figure.lost + figure.samples} messages were lost, which this mechanism may do`)
      if (figure.batch > 1) remark(`${name}: too short for the clock, so each time is the mean of ${figure.batch}`)
    } else {
      const why = `${figure.status === 'impossible' ? 'not measured' : figure.status.replace('-', ' ')}: ${figure.reason}`
      missing.set(why, { status: figure.status, names: [...(missing.get(why)?.names ?? []), name] })
    }
  }
  for (const [why, { status, names }] of missing)
    remarks.push({ status, text: names.length === figures.length ? why : `${names.join(', ')} ${why}` })
  return remarks
}

/** A remark, and every adapter of the group that it is about. */
export interface Note {
  readonly adapters: readonly string[]
  readonly text: string
  /** Why the figure is missing; `measured` where it is there. */
  readonly status: Outcome['status']
}

/** What a reader must know about the figures of a group, and who is not in it. */
export function notesOn(group: Group): Note[] {
  const remarks = [
    ...group.rows.flatMap((row) => remarksOn(row).map((remark) => ({ adapter: row.adapter, ...remark }))),
    ...group.leftOut.map(({ adapter, reason }) => ({ adapter, status: 'impossible' as const, text: `not here: ${reason}` })),
  ]
  return [...groupBy(remarks, ({ text }) => text)].map(([text, about]) => ({
    adapters: about.map(({ adapter }) => adapter),
    text,
    status: about[0]?.status ?? 'measured',
  }))
}

const NO_RESULTS: Record<CaseStatus, number> = { passed: 0, absent: 0, failed: 0, 'not-kept': 0, skipped: 0 }

function summarize({ results, unavailable }: ConformanceReport): ConformanceSummary {
  const counts = { ...NO_RESULTS }
  for (const { status } of results) counts[status]++
  const remarks = results
    .filter(({ status }) => status !== 'passed')
    .map(({ promise, title, status, reason = 'no reason given' }) => ({ promise, title, status, reason }))
  return {
    counts,
    ...(unavailable === undefined ? {} : { unavailable }),
    remarks: remarks.filter(({ status }) => status !== 'absent'),
    absent: remarks.filter(({ status }) => status === 'absent'),
  }
}

/** In the order in which the keys come. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
