/** From records and conformance results to what a report shows. Pure: nothing is run, read or written here. */
import type { BenchRecord, Environment, Measurement, Outcome, Placement, Ratio, Times, WaitMode } from '../bench/record.js'
import type { Capabilities } from '../core/channel.js'
import type { ConformanceReport } from '../testing/results.js'
import { type ConformanceSummary, summarize } from './conformance.js'

export const REPORT_VERSION = 3

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
  /** What each adapter declares about itself. */
  readonly capabilities: Readonly<Record<string, Capabilities>>
}

export function makeReport(parts: {
  environment: Environment
  records: readonly BenchRecord[]
  conformance?: readonly ConformanceReport[]
  capabilities?: Readonly<Record<string, Capabilities>>
  /** The run was ended before its time: some records may have fewer launches than planned. */
  interrupted?: boolean
  createdAt?: Date
}): Report {
  return {
    version: REPORT_VERSION,
    createdAt: (parts.createdAt ?? new Date()).toISOString(),
    partial: parts.interrupted === true || parts.records.some(({ status }) => status === 'not-run'),
    environment: parts.environment,
    records: parts.records,
    conformance: parts.conformance ?? [],
    capabilities: parts.capabilities ?? {},
  }
}

/** What users pick instead of an adapter, measured beside them. */
export const isPeer = ({ mechanism }: { readonly mechanism: string }): boolean => mechanism === 'peer'

/** Why a figure is not there. */
export interface Missing {
  readonly status: Exclude<Outcome['status'], 'measured'>
  readonly reason: string
}

/** A measurement, or why there is none; absent where the plan had no such trial. */
export type Figure = (Measurement & { readonly status: 'measured'; readonly payloadBytes: number }) | Missing | undefined

/** One adapter, or a peer, under one placement and wait mode. */
export interface Row {
  readonly adapter: string
  readonly mechanism: string
  readonly placement: Placement
  readonly wait: WaitMode
  /** The smallest that was measured. */
  readonly payloadBytes: number
  readonly roundTrip: Figure
  /** Throughput of the same payload. */
  readonly throughput: Figure
  /** Throughput of `BULK_BYTES`, where that is another. */
  readonly bulk: Figure
  readonly conformance?: ConformanceSummary
}

export const BULK_BYTES = 64 * 1024

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
  const compared = report.records.filter(({ workload }) => workload === 'round-trip' || workload === 'throughput')
  const groups = [...groupBy(compared, ({ placement, wait }) => `${placement} ${wait}`).values()].map((records) =>
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
  const bySize = [...records].sort((a, b) => a.payloadBytes - b.payloadBytes)
  const roundTrip = bySize.find(({ workload }) => workload === 'round-trip')
  const { adapter, mechanism, placement, wait, payloadBytes } = roundTrip ?? (bySize[0] as BenchRecord)
  const throughputOf = (bytes: number) => bySize.find((record) => record.workload === 'throughput' && record.payloadBytes === bytes)
  return {
    adapter,
    mechanism,
    placement,
    wait,
    payloadBytes,
    roundTrip,
    throughput: throughputOf(payloadBytes),
    bulk: payloadBytes === BULK_BYTES ? undefined : throughputOf(BULK_BYTES),
    ...(conformance === undefined ? {} : { conformance }),
  }
}

const LAST: readonly Outcome['status'][] = ['measured', 'failed', 'not-run', 'unavailable', 'impossible']

function byMedian(a: Row, b: Row): number {
  const place = (row: Row) => LAST.indexOf(row.roundTrip?.status ?? 'impossible')
  return place(a) - place(b) || (timesOf(a)?.p50 ?? 0) - (timesOf(b)?.p50 ?? 0) || a.adapter.localeCompare(b.adapter)
}

export const timesOf = (row: Row): Times | undefined => (row.roundTrip?.status === 'measured' ? row.roundTrip.timesUs : undefined)

/** A number out of a figure, where it was measured. */
export const rateOf = (figure: Figure, name: 'messagesPerSecond' | 'gigabytesPerSecond' | 'cpuUsPerMessage'): number | undefined =>
  figure?.status === 'measured' ? figure[name] : undefined

/** To the C floor, where that was measured. */
export const ratioOf = (figure: Figure): Ratio | undefined =>
  figure?.status === 'measured' && figure.floor?.status === 'measured' ? figure.floor.ratio : undefined

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
