/** `bench`: figures alone, of a stated plan or of what the user selects. */
import { expectedMs, scheduleOf } from '../bench/durations.js'
import { peerSubjects } from '../bench/peers/subjects.js'
import { PLACEMENTS, planBench, planFull, type Selection, type Tier, WAITS, WORKLOADS } from '../bench/plan.js'
import { runnable, type Subject, type Trial } from '../bench/trial.js'
import { modelOf, type Report } from '../report/model.js'
import { renderTerminal, terminalOptions } from '../report/terminal.js'
import { writeReport } from '../report/write.js'
import { coloursFor } from './colours.js'
import { baseline, printComparison } from './compare.js'
import { interruptible } from './interrupt.js'
import { exitStatusOf, measure, millisecondsOf } from './measure.js'
import { selectAdapters } from './names.js'
import { UsageError } from './outcome.js'
import { namesPeers, selectPeers } from './peer-names.js'
import { checkFolder, earlierConformance, short } from './report-folder.js'

/** What a trial may take with all its processes: 120 of them are 8 minutes. */
const TRIAL_MS = 4000
/** Of the full cross-product. */
const FULL_TRIAL_MS = 2000

export interface BenchOptions {
  readonly adapter: readonly string[]
  readonly size: readonly string[]
  readonly placement: readonly string[]
  readonly wait: readonly string[]
  readonly workload: readonly string[]
  readonly duration?: string
  readonly budget?: string
  readonly full?: true
  readonly plan?: true
  readonly folder?: string
  readonly json?: true
  readonly compare?: string
}

/** Prints the figures and writes the report; when interrupted, with those measured until then. */
export async function bench(names: readonly string[], options: BenchOptions): Promise<number> {
  const selection = selectionOf(options)
  const durationMs = options.duration === undefined ? undefined : millisecondsOf('--duration', options.duration)
  const { chosen, peers } = await chosenOf([...names, ...options.adapter])
  const tiers = tiersOf(chosen, selection, peers, options.full === true)
  const trials = tiers.flatMap((tier) => tier.trials)
  const ready = trials.filter(runnable)
  const budgetMs =
    options.budget !== undefined
      ? millisecondsOf('--budget', options.budget)
      : durationMs !== undefined
        ? expectedMs(ready, scheduleOf(durationMs))
        : ready.length * (options.full === true ? FULL_TRIAL_MS : TRIAL_MS)
  if (options.plan === true) return printPlan(tiers, budgetMs, options.json === true)
  // A few rows shall not take the place of a whole report.
  const all = names.length + options.adapter.length === 0 && selection === undefined
  const folder = options.folder ?? (all ? 'reports/latest' : undefined)
  if (folder !== undefined) checkFolder(folder)
  const before = options.compare === undefined ? undefined : baseline(options.compare)
  return interruptible(async (signal) => {
    const measured = await measure({
      adapters: [],
      conformance: false,
      trials,
      budgetMs,
      durationMs,
      signal,
    })
    const report = folder === undefined ? measured : { ...measured, conformance: earlierConformance(folder, measured) }
    const written = folder === undefined ? undefined : writeReport(report, folder)
    if (options.json === true) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    else {
      process.stdout.write(renderTerminal(modelOf(report), terminalOptions()))
      if (written !== undefined) console.log(`\nReport: ${short(written.html)}, ${short(written.markdown)}, ${short(written.json)}`)
    }
    refuseNothing(report)
    return Math.max(exitStatusOf(report), before === undefined ? 0 : printComparison(before, report, options.json))
  })
}

/** Where none of what was asked for can be measured on this host, that is no success. Said last: all of it is written by then. */
function refuseNothing({ records }: Report): void {
  const reasons = records.map((record) => (record.status === 'impossible' || record.status === 'unavailable' ? record.reason : undefined))
  const known = reasons.filter((reason) => reason !== undefined)
  if (known.length > 0 && known.length === reasons.length)
    throw new UsageError(`nothing of this can be measured here: ${[...new Set(known)].join('; ')}`)
}

/** What is named, each of which leads then; without names every adapter and all that users pick instead. */
async function chosenOf(names: readonly string[]): Promise<{ readonly chosen: readonly Subject[]; readonly peers: readonly Subject[] }> {
  const { subjects } = await import('../bench/driver.js')
  if (names.length === 0) return { chosen: await subjects(), peers: peerSubjects() }
  const peers = peerSubjects(selectPeers(names.filter(namesPeers)))
  const adapters = names.filter((name) => !namesPeers(name))
  return { chosen: adapters.length === 0 ? [] : await subjects(await selectAdapters(adapters)), peers }
}

/** The stated plan, or the cross-product where the user selects conditions or wants it all. */
function tiersOf(chosen: readonly Subject[], selection: Selection | undefined, peers: readonly Subject[], full: boolean): readonly Tier[] {
  if (selection === undefined && !full) return planBench(chosen, peers)
  const why = full ? 'the full cross-product' : 'what was selected'
  return [{ why, trials: planFull([...chosen, ...peers], selection), leftOut: 0 }]
}

/** `undefined` where the user selects no conditions. */
function selectionOf({ size, placement, wait, workload }: BenchOptions): Selection | undefined {
  if ([size, placement, wait, workload].every((values) => values.length === 0)) return undefined
  return {
    sizes: size.length === 0 ? undefined : size.map(bytesOf),
    placements: oneOf('--placement', placement, PLACEMENTS),
    waits: oneOf('--wait', wait, WAITS),
    // What is timed and what is counted; the rest for who asks.
    workloads: oneOf('--workload', workload, WORKLOADS) ?? ['round-trip', 'throughput'],
  }
}

function oneOf<T extends string>(option: string, given: readonly string[], known: readonly T[]): readonly T[] | undefined {
  for (const value of given)
    if (!known.includes(value as T)) throw new UsageError(`${option} is one of ${known.join(', ')}, not '${value}'`)
  return given.length === 0 ? undefined : (given as readonly T[])
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20 }
const LARGEST_BYTES = 2 ** 30

function bytesOf(text: string): number {
  const [, number, unit = ''] = /^(\d+)\s*(B|KiB|MiB)?$/.exec(text) ?? []
  const bytes = Number(number) * (UNITS[unit] ?? 1)
  if (!(bytes <= LARGEST_BYTES)) throw new UsageError(`--size is a number of bytes up to 1 GiB, such as 64, 64KiB or 1MiB, not '${text}'`)
  return bytes
}

function printPlan(tiers: readonly Tier[], budgetMs: number, json: boolean): number {
  if (json) {
    process.stdout.write(`${JSON.stringify(tiers, undefined, 2)}\n`)
    return 0
  }
  const { bold, dim, yellow } = coloursFor(process.stdout)
  let count = 0
  for (const { why, trials, leftOut } of tiers) {
    const ready = trials.filter(runnable).length
    count += ready
    console.log(bold(`${why} (${ready})`))
    for (const trial of trials) console.log(`  ${titleOf(trial)}${reasonOf(trial, dim, yellow)}`)
    if (leftOut > 0) console.log(yellow(`  and ${leftOut} that do not fit`))
  }
  console.log(`\n${count} trials, about ${Math.round(budgetMs / 60_000)} minutes`)
  return 0
}

const titleOf = ({ adapter, workload, payloadBytes, placement, wait, senders }: Trial): string =>
  [
    adapter,
    workload,
    `${payloadBytes} B`,
    placement,
    wait,
    ...(senders === undefined ? [] : [`${senders} ${senders === 1 ? 'sender' : 'senders'}`]),
  ].join('  ')

function reasonOf({ unavailable, impossible }: Trial, dim: (text: string) => string, yellow: (text: string) => string): string {
  if (unavailable !== undefined) return yellow(`  cannot run here: ${unavailable}`)
  return impossible === undefined ? '' : dim(`  impossible: ${impossible}`)
}
