/** What changed from one report to another, beyond chance and beyond the machine's own moods. Pure. */
import type { BenchRecord, Conditions } from '../bench/record.js'
import { floorOf, type Measured } from './figures.js'
import { environmentLines, isRate } from './format.js'
import type { Report } from './model.js'
import { holm, median, rankSum } from './statistics.js'

/** Among all records together, a change is reported by chance with at most this probability. */
export const ALPHA = 0.01
/** What is less is no change, however certain. */
export const LEAST_EFFECT = 0.05
/** Fewer rounds cannot tell a change from chance. */
const LEAST_ROUNDS = 5
/** Probes that differ by more are of two states of the machine. */
const STATE_RATIO = 1.4

/** The spin probe beside the rounds that were compared: its median, in ns. */
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
  /** Too few rounds to be compared. */
  readonly unclear: readonly Conditions[]
  /** How many records were tested. */
  readonly compared: number
  /** How many have no like in the other report that was measured. */
  readonly unmatched: number
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
  const unclear: Conditions[] = []
  let unmatched = 0
  for (const record of to.records) {
    const other = before.get(keyOf(record))
    before.delete(keyOf(record))
    const conditions = conditionsOf(record)
    if (other?.status === 'measured' && record.status === 'measured') {
      const outcome = compareRecords(other, record)
      if (outcome === 'unclear') unclear.push(conditions)
      else if ('fromNs' in outcome) states.push({ conditions, state: outcome })
      else tested.push({ conditions, ...outcome })
    } else if (other?.status === 'measured' && record.status === 'failed') broken.push({ conditions, reason: record.reason })
    else if (other?.status === 'failed' && record.status === 'measured') mended.push(conditions)
    else if (record.status === 'measured') unmatched++
  }
  for (const record of before.values()) if (record.status === 'measured') unmatched++
  const corrected = holm(tested.map(({ p }) => p))
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
    unclear,
    compared: tested.length,
    unmatched,
    environment: differences(from, to),
  }
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

function compareRecords(from: Measured, to: Measured): Omit<Tested, 'conditions'> | MachineState | 'unclear' {
  const [ratiosBefore, ratiosNow] = [ratiosOf(from), ratiosOf(to)]
  const rate = isRate(to.workload)
  if (ratiosBefore !== undefined && ratiosNow !== undefined) return test(ratiosBefore, ratiosNow, '× C', rate)
  if (Math.min(from.rounds.length, to.rounds.length) < LEAST_ROUNDS) return 'unclear'
  // Without C beside it a figure drifts with the machine: rounds of one state alone are compared.
  const alike = inOneState(from, to)
  return 'fromNs' in alike ? alike : test(alike.from, alike.to, rate ? 'messages/s' : 'µs', rate)
}

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
function roundsOf({ rounds, probesNs }: Measured): Round[] {
  const step = (probesNs.length - 1) / rounds.length
  return rounds.map((figure, i) => ({ figure, probeNs: median(probesNs.slice(Math.floor(i * step), Math.ceil((i + 1) * step) + 1)) }))
}

function inOneState(before: Measured, now: Measured): { from: number[]; to: number[] } | MachineState {
  const [from, to] = [roundsOf(before), roundsOf(now)]
  const border = borderOf([...from, ...to].map(({ probeNs }) => probeNs))
  const figures = (rounds: readonly Round[], fast: boolean) =>
    rounds.filter(({ probeNs }) => border === undefined || probeNs < border === fast).map(({ figure }) => figure)
  if (border === undefined) return { from: figures(from, true), to: figures(to, true) }
  const [best] = [true, false]
    .map((fast) => ({ from: figures(from, fast), to: figures(to, fast) }))
    .sort((a, b) => Math.min(b.from.length, b.to.length) - Math.min(a.from.length, a.to.length))
  if (best !== undefined && Math.min(best.from.length, best.to.length) >= LEAST_ROUNDS) return best
  return { fromNs: median(from.map(({ probeNs }) => probeNs)), toNs: median(to.map(({ probeNs }) => probeNs)) }
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

function differences(from: Report, to: Report): Comparison['environment'] {
  const old = new Map(environmentLines(from.environment))
  // The clock is measured anew each time, and a commit is what is compared.
  return environmentLines(to.environment)
    .filter(([name, text]) => name !== 'Clock' && old.get(name) !== text)
    .map(([name, text]) => ({ name, from: old.get(name) ?? 'unknown', to: text }))
}
