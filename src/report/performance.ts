/** docs/performance.md: what to reach, with what was measured beside it. Pure. */
import { compareReports } from './compare.js'
import { seenText } from './comparison-text.js'
import { environmentLines, formatBytes, formatNumber, formatSpread, ratioNumber, settingOf, WORKLOAD } from './format.js'
import type { Report } from './model.js'
import { type Criterion, type Evidence, isReached, TARGETS, type Target } from './targets.js'

/** `notes`: what is written by hand about the rows that are not reached, as Markdown with headings from the third level. */
export function renderPerformance(report: Report, notes: string): string {
  return [
    '# Performance',
    '',
    `Made by \`make performance\` from \`reports/latest/report.json\`, measured at ${report.createdAt}; what stands under “Why, where it is not reached” is kept in \`docs/performance-notes.md\`. Times and rates are as multiples of the same exchange in C, placed and waiting alike, both run by turns in rounds: a launch counts as the median of the ratios of its rounds, and what stands here is the geometric mean of the launches with its 95 % confidence interval.`,
    '',
    ...(report.partial ? ['**Partial**: the run was ended before everything was measured.', ''] : []),
    '## What to reach',
    '',
    '| | exchange | reach | measured |',
    '| --- | --- | --- | --- |',
    ...TARGETS.map(
      (target) => `| ${MARKS[stateOf(target, report)]} | ${target.exchange} | ${reachOf(target)} | ${measuredOf(target, report)} |`,
    ),
    '',
    `${MARKS.reached} reached by every record, ${MARKS.missed} not by every one, ${MARKS.unknown} no such record.`,
    '',
    '## Why, where it is not reached',
    '',
    notes.trim(),
    '',
    '## Every record',
    '',
    ...TARGETS.flatMap((target) => detailsOf(target, report)),
    ...comparability(report),
    '## Measured on',
    '',
    ...environmentLines(report.environment).map(([name, text]) => `- ${name}: ${text}`),
    '',
  ].join('\n')
}

/** How sharp a comparison with another such run is. */
function comparability(report: Report): string[] {
  const { compared, seen } = compareReports(report, report)
  if (compared === 0) return []
  return [
    '## What a comparison with another run sees',
    '',
    `\`ipc-playground compare\` tests ${compared} of these records, those with C beside them. As far as the launches of this run scatter, half of those of each placement would be found to differ once they changed by ${seenText(seen)}.`,
    '',
  ]
}

const MARKS = { reached: '✓', missed: '✗', unknown: '?' } as const

function stateOf({ criteria }: Target, report: Report): keyof typeof MARKS {
  const all = criteria.map((criterion) => ({ criterion, evidence: criterion.evidence(report) }))
  if (all.some(({ criterion, evidence }) => evidence.some((one) => !isReached(criterion, one)))) return 'missed'
  return all.some(({ evidence }) => evidence.length === 0) ? 'unknown' : 'reached'
}

const reachOf = ({ criteria }: Target): string => criteria.map(({ reach }) => reach).join('; ')

const measuredOf = (target: Target, report: Report): string =>
  [...new Set(target.criteria.map((criterion) => summaryOf(criterion, target, report)))].join('; ')

function summaryOf(criterion: Criterion, { needs }: Target, report: Report): string {
  const evidence = worstFirst(criterion, report)
  const without = [...new Set((criterion.without?.(report) ?? []).map(({ adapter }) => adapter))]
  const incomplete = without.length === 0 ? '' : ` (without C: ${without.join(', ')})`
  const [worst] = evidence
  if (worst === undefined) return `not in the report, needs ${needs}${incomplete}`
  if (evidence.length === 1) return `${worst.record.adapter} ${valueText(criterion, worst)}${incomplete}`
  const reached = evidence.filter((one) => isReached(criterion, one)).length
  return `${reached === evidence.length ? 'all' : reached} of ${evidence.length}; farthest ${nameOf(worst)}: ${valueText(criterion, worst)}${incomplete}`
}

function worstFirst(criterion: Criterion, report: Report): Evidence[] {
  const direction = criterion.better === 'less' ? -1 : 1
  return [...criterion.evidence(report)].sort((a, b) => direction * (a.value - b.value))
}

function valueText({ unit }: Criterion, { value, interval, against }: Evidence): string {
  if (unit === 'ns a message' && interval !== undefined) return `${formatSpread({ value, ...interval })} ${unit}`
  if (!unit.startsWith('×')) return `${formatNumber(value)} ${unit}`
  const spread = interval === undefined ? '' : ` (${ratioNumber(interval.low)}–${ratioNumber(interval.high)})`
  return `×${ratioNumber(value)}${spread}${against === undefined ? '' : ` against ${against}`}`
}

const nameOf = ({ record: { adapter, payloadBytes } }: Evidence): string => `${adapter}, ${formatBytes(payloadBytes)}`

function detailsOf(target: Target, report: Report): string[] {
  return target.criteria.flatMap((criterion) => {
    const evidence = worstFirst(criterion, report)
    if (evidence.length === 0) return []
    return [
      `### ${target.exchange}: ${criterion.reach}`,
      '',
      '| | adapter | payload | workload | placement and wait mode | measured |',
      '| --- | --- | ---: | --- | --- | ---: |',
      ...evidence.map((one) => {
        const { adapter, payloadBytes, workload } = one.record
        return `| ${MARKS[isReached(criterion, one) ? 'reached' : 'missed']} | ${adapter} | ${formatBytes(payloadBytes)} | ${WORKLOAD[workload].toLowerCase()} | ${settingOf(one.record)} | ${valueText(criterion, one)} |`
      }),
      '',
    ]
  })
}
