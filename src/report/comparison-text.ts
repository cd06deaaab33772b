/** A comparison as text. */
import type { Conditions } from '../bench/record.js'
import { ALPHA, type Change, type Comparison, LEAST_EFFECT, type MachineState, type Probes } from './compare.js'
import { formatBytes, formatNumber, PLACEMENT, ratioNumber, settingOf, WORKLOAD } from './format.js'

export function renderComparison(comparison: Comparison): string {
  const { regressions, improvements, broken, mended, states, alone, unclear, compared, seen, unmatched, machine, environment } = comparison
  const parts = [
    section(
      'Not alike in both reports',
      environment.map(({ name, from, to }) => `${name}: ${from} → ${to}`),
    ),
    section(
      'Failed now, measured before',
      broken.map(({ conditions, reason }) => `${nameOf(conditions)}: ${reason.replace(/\s+/g, ' ')}`),
    ),
    section('Slower', regressions.map(changeText)),
    section('Faster', improvements.map(changeText)),
    section('Measured now, failed before', mended.map(nameOf)),
    section(
      'Not compared: the machine was in another state',
      states.map(({ conditions, state }) => `${nameOf(conditions)}: ${probeText(state)}`),
    ),
    section('Not compared: no C ran by turns with it, so that it follows the machine', alone.map(nameOf)),
    section('Not compared: too few launches', unclear.map(nameOf)),
    section('The machine', machineLines(machine)),
  ]
  const changed = regressions.length + improvements.length
  const summary = [
    `${compared} compared: ${changed === 0 ? 'no change' : `${changed} changed`} by more than ${100 * LEAST_EFFECT} %`,
    `by moderated t tests of the launches, all together at ${100 * ALPHA} % (Holm)`,
    ...(seen.length > 0 ? [`half of the records would show a change of ${seenText(seen)}`] : []),
    ...(unmatched > 0 ? [`${unmatched} in one report alone`] : []),
  ].join('; ')
  return `${[...parts.filter((part) => part !== ''), summary].join('\n\n')}\n`
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')

const nameOf = ({ adapter, workload, payloadBytes, senders, ...setting }: Conditions): string =>
  [
    adapter,
    WORKLOAD[workload].toLowerCase(),
    formatBytes(payloadBytes),
    ...(senders === undefined ? [] : [`${senders} senders`]),
    settingOf(setting),
  ].join(', ')

/** So that a reader can tell whether the machine changed instead. */
function machineLines({ probes, load }: Comparison['machine']): string[] {
  const spread = ([low, median, high]: Probes['from']) => `${formatNumber(median)} (${formatNumber(low)} to ${formatNumber(high)})`
  return [
    ...probes.map(
      ({ processors, from, to }) =>
        `spin probe ${processors === 'one' ? 'on one processor' : 'between two processors'}: ${spread(from)} → ${spread(to)} ns`,
    ),
    ...(load === undefined ? [] : [`load before the run: ${formatNumber(load.from)} → ${formatNumber(load.to)}`]),
  ]
}

const probeText = ({ fromNs, toNs }: MachineState): string => `spin probe ${formatNumber(fromNs)} → ${formatNumber(toNs)} ns`

function changeText({ conditions, from, to, worse, p, state }: Change): string {
  const times = worse > 1 ? `${percent(worse)} % slower` : `${percent(1 / worse)} % faster`
  return `${nameOf(conditions)}: ${ratioNumber(from)} → ${ratioNumber(to)} × C (${times}, p ${p < 0.0001 ? '< 0.0001' : formatNumber(p)}${state === undefined ? '' : `; ${probeText(state)}`})`
}

/** `5 % (same core), 20 % (free)` */
export const seenText = (seen: Comparison['seen']): string =>
  seen.map(({ placement, factor }) => `${percent(factor)} % (${PLACEMENT[placement]})`).join(', ')

const percent = (times: number): string => String(Math.round(100 * (times - 1)))
