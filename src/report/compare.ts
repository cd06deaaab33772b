/** What changed from one report to another, beyond chance and beyond the machine's own moods. Pure. */
import type { BenchRecord, Conditions } from '../bench/record.js'
import { floorOf, type Measured } from './figures.js'
import { environmentLines, isRate } from './format.js'
import type { Report } from './model.js'
import { deviationOfMost, holm, median, rankSum, twoSided } from './statistics.js'

/** Among all records together, a change is reported by chance with at most this probability. */
export const ALPHA = 0.01
/** What is less is no change, however certain. */
export const LEAST_EFFECT = 0.05
/** Fewer rounds cannot tell a change from chance. */
const LEAST_ROUNDS = 5
/** From so many records on they tell how far figures move from one run to the next by themselves. */
const LEAST_RECORDS = 8
/** Probes that differ by more are of two states of the machine. */
const STATE_RATIO = 1.4

/** The spin probe beside the rounds of a record: its median, in ns. */
export interface MachineState {
  readonly fromNs: number
  readonly toNs: number
}

export interface Change {
  readonly conditions: Conditions
  /** Medians of the rounds. */
  readonly from: number
  readonly to: number
  /** What they are: where both reports have the C floor, multiples of it, round by round. */
  readonly unit: 'µs' | 'messages/s' | '× C'
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
  /** The machine was in another state, and no round of one report has a like in the other: not compared. */
  readonly states: readonly { readonly conditions: Conditions; readonly state: MachineState }[]
  /** No C ran by turns with it, and no probe tells in which state the machine was: not compared. */
  readonly alone: readonly Conditions[]
  /** Too few rounds to be compared. */
  readonly unclear: readonly Conditions[]
  /** How many records were tested. */
  readonly compared: number
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

interface Tested extends Omit<Change, 'p'> {
  readonly p: number
}

export function compareReports(from: Report, to: Report): Comparison {
  const before = new Map(from.records.map((record) => [keyOf(record), record]))
  const tested: Tested[] = []
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
      const outcome = compareRecords(other, record)
      if (outcome === 'unclear') unclear.push(conditions)
      else if (outcome === 'alone') alone.push(conditions)
      else if ('fromNs' in outcome) states.push({ conditions, state: outcome })
      else tested.push({ conditions, ...outcome })
    } else if (other?.status === 'measured' && record.status === 'failed') broken.push({ conditions, reason: record.reason })
    else if (other?.status === 'failed' && record.status === 'measured') mended.push(conditions)
    else if (record.status === 'measured') unmatched++
  }
  for (const record of before.values()) if (record.status === 'measured') unmatched++
  const corrected = holm(tested.map((change) => Math.max(change.p, byItself(change, tested))))
  const changes = tested
    .map((change, i) => ({ ...change, p: corrected[i] ?? 1 }))
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
    compared: tested.length,
    unmatched,
    machine: machineIn(from, to),
    environment: differences(from, to),
  }
}

/**
 * With what probability a record moves so far by itself. A fresh process is a little faster or slower throughout, which
 * its rounds cannot tell; the other records of its kind can. Rates scatter more than times do.
 */
function byItself({ conditions, worse }: Tested, all: readonly Tested[]): number {
  const rate = isRate(conditions.workload)
  const logs = all.filter((other) => isRate(other.conditions.workload) === rate).map((other) => Math.log(other.worse))
  const deviation = logs.length < LEAST_RECORDS ? 0 : deviationOfMost(logs)
  return deviation === 0 ? 0 : twoSided(Math.abs(Math.log(worse)) / deviation)
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

function compareRecords(from: Measured, to: Measured): Omit<Tested, 'conditions'> | MachineState | 'alone' | 'unclear' {
  const [ratiosBefore, ratiosNow] = [ratiosOf(from), ratiosOf(to)]
  const rate = isRate(to.workload)
  const withC = ratiosBefore !== undefined && ratiosNow !== undefined
  if (Math.min(from.rounds.length, to.rounds.length) < LEAST_ROUNDS) return 'unclear'
  if (!withC && isLoose(to)) return 'alone'
  // In another state of the machine ours and C do not change alike: rounds of one state alone are compared.
  const before = roundsOf(withC ? ratiosBefore : from.rounds, from.probesNs)
  const now = roundsOf(withC ? ratiosNow : to.rounds, to.probesNs)
  const state = stateOf(before, now)
  const alike = inOneState(before, now)
  if (alike === undefined) return state ?? 'unclear'
  return { ...test(alike.from, alike.to, withC ? '× C' : rate ? 'messages/s' : 'µs', rate), ...(state && { state }) }
}

/**
 * Whose figures alone say nothing across runs: where the scheduler places the sides they are on one processor now and
 * on two then, which no probe can see, and a loop in one process follows the clock of its processor.
 */
const isLoose = ({ placement, workload }: Measured): boolean => placement === 'free' || workload === 'wrapper'

/** Ours as a multiple of C's in each round: what befalls the machine befalls both. */
function ratiosOf(record: Measured): readonly number[] | undefined {
  const floors = floorOf(record)?.rounds
  if (floors === undefined || floors.length !== record.rounds.length || floors.length < LEAST_ROUNDS) return undefined
  const ratios = record.rounds.map((figure, i) => figure / (floors[i] ?? Number.NaN))
  return ratios.every(Number.isFinite) ? ratios : undefined
}

function test(before: readonly number[], now: readonly number[], unit: Change['unit'], rate: boolean): Omit<Tested, 'conditions'> {
  const [from, to] = [median(before), median(now)]
  return { from, to, unit, worse: rate ? from / to : to / from, p: rankSum(before, now) }
}

interface Round {
  readonly figure: number
  /** What the probes about it say, in ns; NaN where there are none. */
  readonly probeNs: number
}

/** Each round with its probes: the probes are spread evenly over the rounds, one before each and one after the last. */
function roundsOf(figures: readonly number[], probesNs: readonly number[]): Round[] {
  const step = (probesNs.length - 1) / figures.length
  return figures.map((figure, i) => ({ figure, probeNs: median(probesNs.slice(Math.floor(i * step), Math.ceil((i + 1) * step) + 1)) }))
}

function stateOf(from: readonly Round[], to: readonly Round[]): MachineState | undefined {
  const [fromNs, toNs] = [from, to].map((rounds) => median(rounds.map(({ probeNs }) => probeNs)))
  return fromNs === undefined || toNs === undefined || !(fromNs > 0 && toNs > 0) ? undefined : { fromNs, toNs }
}

/** The figures of those rounds that were measured in a state that both have; undefined where they have none in common. */
function inOneState(from: readonly Round[], to: readonly Round[]): { from: number[]; to: number[] } | undefined {
  const border = borderOf([...from, ...to].map(({ probeNs }) => probeNs))
  const figures = (rounds: readonly Round[], fast: boolean) =>
    rounds.filter(({ probeNs }) => border === undefined || probeNs < border === fast).map(({ figure }) => figure)
  if (border === undefined) return { from: figures(from, true), to: figures(to, true) }
  const [best] = [true, false]
    .map((fast) => ({ from: figures(from, fast), to: figures(to, fast) }))
    .sort((a, b) => Math.min(b.from.length, b.to.length) - Math.min(a.from.length, a.to.length))
  return best !== undefined && Math.min(best.from.length, best.to.length) >= LEAST_ROUNDS ? best : undefined
}

/** Between a fast and a slow state of the machine: the middle of the widest gap; undefined where there is one state. */
function borderOf(probes: readonly number[]): number | undefined {
  const sorted = probes.filter((ns) => ns > 0).sort((a, b) => a - b)
  let widest = 1
  let border: number | undefined
  for (let i = 1; i < sorted.length; i++) {
    const [low = 1, high = 1] = [sorted[i - 1], sorted[i]]
    if (high / low <= widest) continue
    widest = high / low
    border = Math.sqrt(high * low)
  }
  return widest > STATE_RATIO ? border : undefined
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
    record.status === 'measured' && (record.placement === 'same-core') === (processors === 'one') ? record.probesNs : [],
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
