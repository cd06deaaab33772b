/** Which mechanism to take, from what it declares and what was measured here. Pure; the page has this file, too. */
import type { BenchRecord, Placement, WaitMode } from '../bench/record.js'
import type { Capabilities } from '../core/channel.js'
import { figureOf, type Measured } from './figures.js'
import { formatBytes, formatCount, formatNumber, settingOf } from './format.js'

export interface Needs {
  /** Messages, whole or not at all; or a stream of bytes as any program writes it. */
  readonly kind: 'message' | 'stream'
  readonly payloadBytes: number
  readonly hosts: 'one' | 'many'
  /** One side goes on when the other is killed. */
  readonly survivesCrash: boolean
  readonly senders: 'one' | 'many'
  /** A processor may be spent on waiting. */
  readonly spin: boolean
}

/** One that fits. */
export interface Candidate {
  readonly adapter: string
  /** What speaks for it. */
  readonly reasons: readonly string[]
  /** What to mind: those with less of it come first. */
  readonly cautions: readonly string[]
  /** By which it was ranked; absent where nothing fitting was measured. */
  readonly record?: Measured
  /** How many times better the first is; absent of the first, and of what was measured otherwise. */
  readonly behind?: number
}

export interface Answer {
  /** The best first, at most `TAKEN`. */
  readonly taken: readonly Candidate[]
  /** What fits and came later. */
  readonly others: readonly Candidate[]
  readonly rejected: readonly { readonly adapter: string; readonly reasons: readonly string[] }[]
  /** What the ranking is by. */
  readonly criterion: string
}

export interface Known {
  readonly capabilities: Readonly<Record<string, Capabilities>>
  readonly records: readonly BenchRecord[]
  readonly conformance: readonly {
    readonly adapter: string
    readonly unavailable?: string
    readonly results: readonly { readonly status: string }[]
  }[]
}

const TAKEN = 3
/** From here on bytes take longer than a message's own costs. */
const BULK_BYTES = 16 * 1024

export function choose(needs: Needs, known: Known): Answer {
  const rejected: { adapter: string; reasons: string[] }[] = []
  const fitting: Candidate[] = []
  const criterion = criterionOf(needs, known.records)
  for (const [adapter, capabilities] of Object.entries(known.capabilities)) {
    const reasons = objections(adapter, capabilities, needs, known)
    if (reasons.length > 0) {
      rejected.push({ adapter, reasons })
      continue
    }
    const record = nearest(adapter, needs, criterion, known.records)
    fitting.push({
      adapter,
      reasons: [...(record === undefined ? [] : [told(record)]), ...advantages(capabilities, needs)],
      cautions: cautionsOn(adapter, capabilities, record, needs, known),
      ...(record && { record }),
    })
  }
  const ranked = fitting.sort(
    (a, b) => a.cautions.length - b.cautions.length || costOf(a) - costOf(b) || a.adapter.localeCompare(b.adapter),
  )
  const [first] = ranked
  const compared = ranked.map((candidate) => {
    const comparable = candidate !== first && candidate.record !== undefined && candidate.record.placement === first?.record?.placement
    return comparable ? { ...candidate, behind: costOf(candidate) / costOf(first) } : candidate
  })
  return { taken: compared.slice(0, TAKEN), others: compared.slice(TAKEN), rejected, criterion: CRITERIA[criterion] }
}

type Criterion = keyof typeof CRITERIA
const CRITERIA = {
  'round-trip': 'the median round trip',
  throughput: 'bytes a second',
  'fan-in': 'messages a second from several senders',
} as const

function criterionOf({ senders, payloadBytes }: Needs, records: readonly BenchRecord[]): Criterion {
  if (senders === 'many' && records.some((record) => record.workload === 'fan-in' && record.status === 'measured')) return 'fan-in'
  return payloadBytes >= BULK_BYTES ? 'throughput' : 'round-trip'
}

/** Why it does not do. */
function objections(adapter: string, capabilities: Capabilities, needs: Needs, { records, conformance }: Known): string[] {
  const { framing, payload, crossesHosts, crashSafe, peers, opens, connects } = capabilities
  const unavailable =
    conformance.find((report) => report.adapter === adapter)?.unavailable ??
    records.find((record) => record.adapter === adapter && record.status === 'unavailable')
  const manySenders = peers === 'many' || (opens && framing === 'message')
  const all: [boolean, string][] = [
    [unavailable !== undefined, `cannot run here: ${typeof unavailable === 'string' ? unavailable : reasonOf(unavailable)}`],
    [!connects && !opens, 'makes no channel between two processes'],
    [
      needs.kind === 'stream' && framing !== 'stream',
      framing === 'event' ? 'carries events, no bytes' : 'carries messages, no byte stream',
    ],
    [needs.payloadBytes > 0 && payload.max === 0, 'carries events, no bytes'],
    [
      payload.max > 0 && framing !== 'stream' && needs.payloadBytes > payload.max,
      `a message has at most ${formatBytes(payload.max)}; \`fragmented\` would cut it`,
    ],
    [needs.payloadBytes < payload.min, `a message has at least ${formatBytes(payload.min)}`],
    [needs.hosts === 'many' && !crossesHosts, 'stays on one host'],
    [needs.survivesCrash && !crashSafe, 'a peer that is killed may leave it locked'],
    [needs.senders === 'many' && !manySenders, 'one sender to a receiver'],
  ]
  return all.filter(([applies]) => applies).map(([, reason]) => reason)
}

const reasonOf = (record: BenchRecord | undefined): string => (record !== undefined && record.status !== 'measured' ? record.reason : '')

function advantages({ framing, crossesHosts, detectsPeerExit, peers, zeroCopy, priority }: Capabilities, needs: Needs): string[] {
  const all: [boolean, string][] = [
    [needs.kind === 'message' && framing === 'message', 'keeps message boundaries by itself'],
    [needs.kind === 'message' && framing === 'stream', 'a byte stream, in which the library frames messages'],
    [needs.kind === 'stream', 'a byte stream by itself'],
    [needs.payloadBytes >= BULK_BYTES && zeroCopy, 'written and read in place, without a copy'],
    [needs.hosts === 'many' && crossesHosts, 'reaches other hosts'],
    [needs.survivesCrash && detectsPeerExit, 'tells that the peer is gone, and stays usable'],
    [needs.senders === 'many' && peers === 'many', 'one listener serves many'],
    [needs.senders === 'many' && peers !== 'many', 'many senders may write to one name'],
    [needs.kind === 'message' && priority, 'has priorities'],
  ]
  return all.filter(([applies]) => applies).map(([, reason]) => reason)
}

function cautionsOn(
  adapter: string,
  { whenFull, detectsPeerExit, exempt, order }: Capabilities,
  record: Measured | undefined,
  needs: Needs,
  { conformance }: Known,
): string[] {
  const failed = conformance.find((report) => report.adapter === adapter)?.results.filter(({ status }) => status === 'failed').length ?? 0
  const all: [boolean, string][] = [
    [record === undefined, 'nothing that fits was measured'],
    [whenFull === 'drop', 'loses what it has no room for'],
    [whenFull === 'coalesce', 'equal events become one'],
    [order === 'none', 'messages may overtake each other'],
    [needs.survivesCrash && !detectsPeerExit, 'does not tell that the peer is gone'],
    [exempt !== undefined, `a package of others that does not keep promise ${Object.keys(exempt ?? {}).join(', ')}`],
    [failed > 0, `failed ${failed} ${failed === 1 ? 'case' : 'cases'} of the conformance suite here`],
  ]
  return all.filter(([applies]) => applies).map(([, reason]) => reason)
}

/** Who spins needs a processor of its own; else the scheduler places. */
const PLACEMENTS: Readonly<Record<'spin' | 'wait', readonly Placement[]>> = {
  spin: ['cross-core', 'free', 'same-core'],
  wait: ['free', 'cross-core', 'same-core'],
}
const SPINNING: readonly WaitMode[] = ['spin', 'adaptive']

/** The best record of the size nearest to what is asked for, in the first placement that has one. */
function nearest(adapter: string, needs: Needs, workload: Criterion, records: readonly BenchRecord[]): Measured | undefined {
  const own = records.filter(
    (record): record is Measured => record.adapter === adapter && record.status === 'measured' && figureOf(record) !== undefined,
  )
  const may = own.filter((record) => record.workload === workload && (needs.spin || !SPINNING.includes(record.wait)))
  const distance = ({ payloadBytes }: Measured) =>
    Math.abs(Math.log2(Math.max(1, payloadBytes)) - Math.log2(Math.max(1, needs.payloadBytes)))
  for (const placement of PLACEMENTS[needs.spin ? 'spin' : 'wait']) {
    const [best] = may
      .filter((record) => record.placement === placement)
      .sort((a, b) => distance(a) - distance(b) || (b.senders ?? 1) - (a.senders ?? 1) || costOfRecord(a) - costOfRecord(b))
    if (best !== undefined) return best
  }
  return undefined
}

/** Less is better: µs, or seconds a byte or a message. */
function costOfRecord(record: Measured): number {
  if (record.workload === 'round-trip') return record.timesUs?.p50 ?? Number.POSITIVE_INFINITY
  const rate = record.workload === 'throughput' ? record.gigabytesPerSecond : record.messagesPerSecond
  return rate === undefined || rate === 0 ? Number.POSITIVE_INFINITY : 1 / rate
}

const costOf = (candidate: Candidate | undefined): number =>
  candidate?.record === undefined ? Number.POSITIVE_INFINITY : costOfRecord(candidate.record)

/** The figure, with what it is of. */
function told(record: Measured): string {
  const { payloadBytes, senders = 1, timesUs, gigabytesPerSecond = 0, messagesPerSecond = 0 } = record
  const figure =
    record.workload === 'round-trip'
      ? `round trip of ${formatBytes(payloadBytes)}: ${formatNumber(timesUs?.p50 ?? 0)} µs`
      : record.workload === 'throughput'
        ? `${formatNumber(gigabytesPerSecond)} GB/s in messages of ${formatBytes(payloadBytes)}`
        : `${formatCount(messagesPerSecond)} messages of ${formatBytes(payloadBytes)} a second from ${senders} senders`
  return `${figure} (${settingOf(record)})`
}
