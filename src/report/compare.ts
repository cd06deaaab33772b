/**
 * What changed from one report to another, beyond chance. Pure.
 *
 * A launch is one value: the logarithm of the median ratio of its rounds to C's. Two means of launches are compared by
 * Student's t, whose variance comes from the launches of both reports and, for these are few, from how the launches
 * of all records of the same placement scatter (`moderated`); all records together by Holm's correction. The
 * launches of a record are spread over the whole run, so that what the machine does for a while is part of their
 * scatter. Without C beside it a figure follows the machine, and is not compared.
 */

import type { BenchRecord, Conditions, Launch, Placement } from '../bench/record.js'
import { meanOf, medianOf, varianceOf } from '../statistics/sample.js'
import { floorOf, type Measured } from './figures.js'
import { environmentLines, isRate } from './format.js'
import { groupBy, type Report } from './model.js'
import { holm, leastDifference, meansDiffer, moderated, type Variance } from './statistics.js'

/** Among all records together, a change is reported by chance with at most this probability. */
export const ALPHA = 0.01
/** What is less is no change, however certain. */
export const LEAST_EFFECT = 0.05
/** One launch does not tell how far launches differ. */
const LEAST_LAUNCHES = 2
/** Probes that differ by more are of two states of the machine. */
const STATE_RATIO = 1.4

/** The spin probe beside the rounds of a record: its median, in ns. */
export interface MachineState {
  readonly fromNs: number
  readonly toNs: number
}

export interface Change {
  readonly conditions: Conditions
  /** Multiples of C: geometric means of the launches. */
  readonly from: number
  readonly to: number
  /** How many times worse it is; below 1 it is better. */
  readonly worse: number
  /** Corrected for all the tests (Holm). */
  readonly p: number
  /** Absent where one of the reports has no probes. */
  readonly state?: MachineState
}

/** All probes of one kind: between two processors, or on one. */
export interface Probes {
  readonly processors: 'one' | 'two'
  /** The median, and from where to where four of five lie, in ns. */
  readonly from: readonly [low: number, median: number, high: number]
  readonly to: readonly [low: number, median: number, high: number]
}

export interface Comparison {
  readonly regressions: readonly Change[]
  readonly improvements: readonly Change[]
  /** Measured before, failed now. */
  readonly broken: readonly { readonly conditions: Conditions; readonly reason: string }[]
  /** Failed before, measured now. */
  readonly mended: readonly Conditions[]
  /** The machine was in another state at every launch: not compared. */
  readonly states: readonly { readonly conditions: Conditions; readonly state: MachineState }[]
  /** No C ran by turns with it, so that its figure follows the machine: not compared. */
  readonly alone: readonly Conditions[]
  /** Too few launches to be compared. */
  readonly unclear: readonly Conditions[]
  /** How many records were tested. */
  readonly compared: number
  /** From which change on, as a factor, half of the records of a placement would have been found to differ. */
  readonly seen: readonly { readonly placement: Placement; readonly factor: number }[]
  /** How many have no like in the other report that was measured. */
  readonly unmatched: number
  /** How the machine was in both, whatever changed. */
  readonly machine: {
    readonly probes: readonly Probes[]
    /** The load average of a minute before each run; absent where a report does not say. */
    readonly load?: { readonly from: number; readonly to: number }
  }
  /** What of the environment differs. */
  readonly environment: readonly { readonly name: string; readonly from: string; readonly to: string }[]
}

/** A record of both reports. */
interface Pairing {
  readonly conditions: Conditions
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly state?: MachineState
}

export function compareReports(from: Report, to: Report): Comparison {
  const before = new Map(from.records.map((record) => [keyOf(record), record]))
  const pairings: Pairing[] = []
  const broken: { conditions: Conditions; reason: string }[] = []
  const mended: Conditions[] = []
  const states: { conditions: Conditions; state: MachineState }[] = []
  const alone: Conditions[] = []
  const unclear: Conditions[] = []
  let unmatched = 0
  for (const record of to.records) {
    const other = before.get(keyOf(record))
    before.delete(keyOf(record))
    const conditions = conditionsOf(record)
    if (other?.status === 'measured' && record.status === 'measured') {
      const [own, old] = [logRatios(record), logRatios(other)]
      const state = stateOf(other.launches, record.launches)
      if (own === undefined || old === undefined) alone.push(conditions)
      else if (Math.min(own.length, old.length) < LEAST_LAUNCHES) unclear.push(conditions)
      else if (state !== undefined && areApart(other.launches, record.launches)) states.push({ conditions, state })
      else pairings.push({ conditions, from: old, to: own, ...(state && { state }) })
    } else if (other?.status === 'measured' && record.status === 'failed') broken.push({ conditions, reason: record.reason })
    else if (other?.status === 'failed' && record.status === 'measured') mended.push(conditions)
    else if (record.status === 'measured') unmatched++
  }
  for (const record of before.values()) if (record.status === 'measured') unmatched++
  const tests = [...groupBy(pairings, ({ conditions }) => conditions.placement).values()].flatMap(testsOf)
  const corrected = holm(tests.map(({ p }) => p))
  const changes = tests
    .map(({ pairing, p: _, variance: __, ...means }, i) => changeOf(pairing, means, corrected[i] ?? 1))
    .filter(({ p, worse }) => p < ALPHA && Math.max(worse, 1 / worse) >= 1 + LEAST_EFFECT)
    .sort((a, b) => b.worse - a.worse)
  return {
    regressions: changes.filter(({ worse }) => worse > 1),
    improvements: changes.filter(({ worse }) => worse < 1).reverse(),
    broken,
    mended,
    states,
    alone,
    unclear,
    compared: tests.length,
    seen: seenBy(tests),
    unmatched,
    machine: machineIn(from, to),
    environment: differences(from, to),
  }
}

interface Test {
  readonly pairing: Pairing
  /** Means of logarithms. */
  readonly from: number
  readonly to: number
  readonly variance: Variance
  readonly p: number
}

/** Of records of one placement, which decides how launches scatter. */
function testsOf(pairings: readonly Pairing[]): Test[] {
  const variances = moderated(pairings.map(({ from, to }) => pooled(from, to)))
  return pairings.map((pairing, i) => {
    const variance = variances[i] ?? pooled(pairing.from, pairing.to)
    const [from, to] = [meanOf(pairing.from), meanOf(pairing.to)]
    return { pairing, from, to, variance, p: meansDiffer(to - from, countsOf(pairing), variance) }
  })
}

/** Of the launches of each report about their own mean. */
function pooled(from: readonly number[], to: readonly number[]): Variance {
  const freedom = from.length + to.length - 2
  return { variance: ((from.length - 1) * varianceOf(from) + (to.length - 1) * varianceOf(to)) / freedom, freedom }
}

const countsOf = ({ from, to }: Pairing): [number, number] => [from.length, to.length]

function changeOf({ conditions, state }: Pairing, means: { readonly from: number; readonly to: number }, p: number): Change {
  const [from, to] = [Math.exp(means.from), Math.exp(means.to)]
  return { conditions, from, to, worse: isRate(conditions.workload) ? from / to : to / from, p, ...(state && { state }) }
}

function seenBy(tests: readonly Test[]): Comparison['seen'] {
  return [...groupBy(tests, ({ pairing }) => pairing.conditions.placement)].map(([placement, own]) => {
    const counts = own.map(({ pairing }) => countsOf(pairing))
    const typical = {
      variance: medianOf(own.map(({ variance }) => variance.variance)),
      freedom: medianOf(own.map(({ variance }) => variance.freedom)),
    }
    const least = leastDifference(ALPHA / tests.length, [medianOf(counts.map(([n]) => n)), medianOf(counts.map(([, n]) => n))], typical)
    return { placement: placement as Placement, factor: Math.max(1 + LEAST_EFFECT, Math.exp(least)) }
  })
}

/** Whether the newer report is worse. */
export const isRegression = ({ regressions, broken }: Comparison): boolean => regressions.length > 0 || broken.length > 0

const conditionsOf = ({ adapter, mechanism, workload, payloadBytes, placement, wait, senders }: BenchRecord): Conditions => ({
  adapter,
  mechanism,
  workload,
  payloadBytes,
  placement,
  wait,
  ...(senders === undefined ? {} : { senders }),
})

const keyOf = (record: BenchRecord): string => JSON.stringify(Object.values(conditionsOf(record)))

/** Of each launch the logarithm of the median of ours as multiples of C's: what befalls the machine befalls both. */
function logRatios(record: Measured): number[] | undefined {
  if (floorOf(record) === undefined) return undefined
  return record.launches.map(({ rounds, floorRounds = [] }) =>
    Math.log(medianOf(rounds.map((figure, i) => figure / (floorRounds[i] ?? Number.NaN)))),
  )
}

const probesAt = (launches: readonly Launch[]): number[] => launches.map(({ probesNs }) => medianOf(probesNs)).filter((ns) => ns > 0)

function stateOf(from: readonly Launch[], to: readonly Launch[]): MachineState | undefined {
  const [before, now] = [probesAt(from), probesAt(to)]
  return before.length === 0 || now.length === 0 ? undefined : { fromNs: medianOf(before), toNs: medianOf(now) }
}

/** Whether no launch of one ran in a state of the machine in which one of the other did. */
function areApart(from: readonly Launch[], to: readonly Launch[]): boolean {
  const [before, now] = [probesAt(from), probesAt(to)]
  return Math.min(...now) > STATE_RATIO * Math.max(...before) || Math.min(...before) > STATE_RATIO * Math.max(...now)
}

function machineIn(from: Report, to: Report): Comparison['machine'] {
  const probes = (['one', 'two'] as const).flatMap((processors) => {
    const [before, now] = [from, to].map((report) => deciles(probesOf(report, processors)))
    return before === undefined || now === undefined ? [] : [{ processors, from: before, to: now }]
  })
  const [before, now] = [from.environment.load, to.environment.load]
  return { probes, ...(before === undefined || now === undefined ? {} : { load: { from: before, to: now } }) }
}

const probesOf = ({ records }: Report, processors: Probes['processors']): readonly number[] =>
  records.flatMap((record) =>
    record.status === 'measured' && (record.placement === 'same-core') === (processors === 'one')
      ? record.launches.flatMap(({ probesNs }) => probesNs)
      : [],
  )

function deciles(values: readonly number[]): Probes['from'] | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return [at(0.1), at(0.5), at(0.9)]
}

function differences(from: Report, to: Report): Comparison['environment'] {
  const old = new Map(environmentLines(from.environment))
  // The clock and the load are measured anew each time: the first says nothing here, the second stands with the probes.
  return environmentLines(to.environment)
    .filter(([name, text]) => name !== 'Clock' && name !== 'Load' && old.get(name) !== text)
    .map(([name, text]) => ({ name, from: old.get(name) ?? 'unknown', to: text }))
}
