/** The tables of the page: every record in a row, and the conformance. */
import type { BenchRecord, Workload } from '../bench/record.js'
import type { CaseResult, CaseStatus } from '../testing/results.js'
import { escapeHtml } from './escape.js'
import { FIGURES, type FigureKind, figureOf } from './figures.js'
import { conformanceText, formatBytes, isRate, MARKS, MARKS_KEY, PLACEMENT, PROMISES, WAIT, WORKLOAD, WORKLOAD_STORY } from './format.js'
import { isPeer, type Model, type Report } from './model.js'

/** A table for each workload. A row names its record by its place in the report. */
export const renderRecords = ({ records }: Report): string =>
  (Object.keys(WORKLOAD) as Workload[])
    .map((workload) =>
      renderWorkload(
        workload,
        records.map((record, index) => ({ record, index })).filter(({ record }) => record.workload === workload),
      ),
    )
    .filter((section) => section !== '')
    .join('\n')

interface Placed {
  readonly record: BenchRecord
  readonly index: number
}

const LAST: readonly BenchRecord['status'][] = ['measured', 'failed', 'not-run', 'unavailable', 'impossible']

function byFigure({ record: a }: Placed, { record: b }: Placed): number {
  const difference = (figureOf(a) ?? 0) - (figureOf(b) ?? 0)
  return (
    LAST.indexOf(a.status) - LAST.indexOf(b.status) ||
    a.payloadBytes - b.payloadBytes ||
    (isRate(a.workload) ? -difference : difference) ||
    a.adapter.localeCompare(b.adapter)
  )
}

function renderWorkload(workload: Workload, placed: readonly Placed[]): string {
  if (placed.length === 0) return ''
  const kinds = FIGURES.filter((kind) => placed.some(({ record }) => record.status === 'measured' && kind.text(record) !== ''))
  const titles = [
    ['adapter', ''],
    ['payload', 'number'],
    ['placement', ''],
    ['wait mode', ''],
    ...(workload === 'fan-in' ? [['senders', 'number']] : []),
    ...kinds.map(({ title }) => [title, 'number']),
  ]
  return `<section id="${workload}" class="records">
<h2>${WORKLOAD[workload]}</h2>
<p class="story">${WORKLOAD_STORY[workload]} Compare rows of equal placement, wait mode and payload only.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Table: ${WORKLOAD[workload]}">
<table>
<thead><tr>${titles.map(([title = '', name]) => `<th scope="col"${name === '' ? '' : ` class="${name}"`}>${title}</th>`).join('')}</tr></thead>
<tbody>
${[...placed]
  .sort(byFigure)
  .map((one) => renderRecord(one, kinds))
  .join('\n')}
</tbody>
</table>
</div>
<p class="none" hidden>Nothing of this with these filters.</p>
</section>`
}

function renderRecord({ record, index }: Placed, kinds: readonly FigureKind[]): string {
  const cells = [
    `<th scope="row">${escapeHtml(record.adapter)}</th>`,
    `<td class="number">${formatBytes(record.payloadBytes)}</td>`,
    `<td>${PLACEMENT[record.placement]}</td>`,
    `<td>${WAIT[record.wait]}</td>`,
    ...(record.workload === 'fan-in' ? [`<td class="number">${record.senders ?? 1}</td>`] : []),
  ]
  if (record.status === 'measured')
    cells.push(
      ...kinds.map((kind) => {
        const value = kind.value(record)
        return `<td class="number" data-figure="${kind.id}"${value === undefined ? '' : ` data-value="${value}"`}>${escapeHtml(kind.text(record))}</td>`
      }),
    )
  else
    cells.push(
      `<td class="${record.status === 'failed' ? 'bad' : 'off'}" colspan="${kinds.length}">${record.status.replace('-', ' ')}: ${escapeHtml(record.reason)}</td>`,
    )
  return `<tr data-record="${index}"${isPeer(record) ? ' class="peer"' : ''}>${cells.join('')}</tr>`
}

export function renderConformance({ report, conformance }: Model): string {
  const promises = [...new Set(report.conformance.flatMap(({ results }) => results.map(({ promise }) => promise)))].sort((a, b) => a - b)
  const head = promises.map((n) => `<th scope="col" class="mark"><abbr title="${escapeHtml(PROMISES[n] ?? '')}">${n}</abbr></th>`)
  const rows = report.conformance.map(({ adapter, results, unavailable }) => {
    const cells =
      unavailable === undefined
        ? promises.map((promise) => renderMark(adapter, promise, results))
        : [`<td class="off" colspan="${promises.length}">unavailable: ${escapeHtml(unavailable)}</td>`]
    const summary = conformance.get(adapter)
    const bad = (summary?.counts.failed ?? 0) > 0 ? ' class="bad"' : ''
    return `<tr data-mechanism="${escapeHtml(adapter.split('/')[0] ?? adapter)}"><th scope="row">${escapeHtml(adapter)}</th>${cells.join('')}<td${bad}>${escapeHtml(conformanceText(summary))}</td></tr>`
  })
  const remarks = [...conformance].flatMap(([adapter, { remarks }]) =>
    remarks.map(
      ({ promise, title, status, reason }) =>
        `<li><b>${escapeHtml(adapter)}</b> <span class="${status}">${status.replace('-', ' ')}</span>: promise ${promise}, ${escapeHtml(title)}: ${escapeHtml(reason)}</li>`,
    ),
  )
  return `<section id="conformance">
<h2>Conformance</h2>
<p class="story">Every adapter against the numbered promises of <code>core/channel.ts</code>. ${MARKS_KEY}. A cell tells more when it is chosen.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Table: conformance"><table class="marks">
<thead><tr><th scope="col">adapter</th>${head.join('')}<th scope="col">cases</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
<pre id="why" role="status" hidden></pre>
${remarks.length > 0 ? `<ul class="notes">${remarks.join('\n')}</ul>` : ''}
</section>`
}

/** What stands for several cases: the worst of them, and `absent` only where nothing passed. */
const WORST: readonly CaseStatus[] = ['failed', 'not-kept', 'skipped', 'passed', 'absent']

function renderMark(adapter: string, promise: number, results: readonly CaseResult[]): string {
  const own = results.filter((result) => result.promise === promise)
  const worst = WORST.find((status) => own.some((result) => result.status === status))
  if (worst === undefined) return '<td class="mark"></td>'
  const lines = own.map(({ status, title, reason }) => `${MARKS[status]} ${title}${reason === undefined ? '' : `: ${reason}`}`)
  const why = escapeHtml([`${adapter}, promise ${promise}: ${PROMISES[promise] ?? ''}`, ...lines].join('\n'))
  return `<td class="mark"><button type="button" class="${worst}" title="${why}" aria-label="${escapeHtml(adapter)}, promise ${promise}: ${worst}">${MARKS[worst]}</button></td>`
}
