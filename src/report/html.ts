/**
 * The report as one HTML file that needs nothing else: scripts and styles are inside, and a content
 * security policy lets nothing in beside them.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { CaseResult, CaseStatus } from '../testing/results.js'
import {
  COLUMNS,
  type Column,
  conformanceText,
  environmentLines,
  formatBytes,
  MARKS,
  MARKS_KEY,
  PROMISES,
  storyOf,
  titleOf,
} from './format.js'
import { type Group, type Model, notesOn, type Row, rateOf, timesOf } from './model.js'

const asset = (name: string): string => readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8')

export function renderHtml(model: Model): string {
  const style = asset('page.css')
  const scripts = [asset('chart.js'), asset('page.js')].map(inScript)
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${hash(style)}`,
    `script-src ${scripts.map(hash).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const { report } = model
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>IPC on this machine</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>IPC on this machine</h1>
<p>${escapeHtml(summary(model))}</p>
${report.partial ? '<p class="partial" role="status">Partial: the run was ended before everything was measured.</p>\n' : ''}</header>
<main>
${model.groups.map(renderGroup).join('\n')}
${model.conformance.size > 0 ? renderConformance(model) : ''}
${renderEnvironment(model)}
</main>
${embed('report', report)}
${embed('charts', model.groups.map(chartOf))}
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
}

function summary({ report }: Model): string {
  const { cpu, processors, node, kernel } = report.environment
  return `${cpu}, ${processors.length} ${processors.length === 1 ? 'processor' : 'processors'} · ${kernel} · Node.js ${node} · ${report.createdAt.slice(0, 16).replace('T', ' ')} UTC`
}

function renderGroup(group: Group, index: number): string {
  const notes = notesOn(group).map(({ adapters, text }) => `<li><b>${escapeHtml(adapters.join(', '))}</b> ${escapeHtml(text)}</li>`)
  return `<section id="${group.placement}-${group.wait}">
<h2>${escapeHtml(titleOf(group))}</h2>
<p class="story">${escapeHtml(storyOf(group)).replace(/`([^`]*)`/g, '<code>$1</code>')}</p>
<div class="charts">
${figure(index, 'rtt', 'Round trip', 'µs, log scale, shorter is better: p50, p99 and p99.9', 'wide')}
${figure(index, 'rate', 'Messages a second', 'log scale, longer is better')}
${figure(index, 'bulk', 'Throughput of 64 KiB messages', 'GB/s, longer is better')}
</div>
<div class="scroll" tabindex="0" role="region" aria-label="Table: ${escapeHtml(titleOf(group))}">
<table>
<thead><tr>${COLUMNS.map(({ title, numeric }) => `<th scope="col"${numeric ? ' class="number"' : ''}>${escapeHtml(title)}</th>`).join('')}</tr></thead>
<tbody>
${group.rows.map(renderRow).join('\n')}
</tbody>
</table>
</div>
${notes.length > 0 ? `<ul class="notes">${notes.join('')}</ul>` : ''}
</section>`
}

const figure = (index: number, kind: string, title: string, unit: string, width = ''): string =>
  `<figure class="${width}"><figcaption><b>${title}</b> <span>${unit}</span></figcaption><div class="plot"><canvas data-group="${index}" data-chart="${kind}" role="img" aria-label="${title}; the table below has the figures"></canvas></div></figure>`

function renderRow(row: Row): string {
  return `<tr data-adapter="${escapeHtml(row.adapter)}">${COLUMNS.map((column) => renderCell(column, row)).join('')}</tr>`
}

function renderCell(column: Column, row: Row): string {
  const text = column.text(row)
  if (column.id === 'adapter') return `<th scope="row">${escapeHtml(text)}</th>`
  const value = column.value(row)
  const failed = text === 'failed' || (column.id === 'conformance' && (row.conformance?.counts.failed ?? 0) > 0)
  const classes = [column.numeric ? 'number' : '', failed ? 'bad' : '', text === 'unavailable' || text === 'not run' ? 'off' : '']
  const attributes = [
    ...(classes.join('') === '' ? [] : [`class="${classes.filter((name) => name !== '').join(' ')}"`]),
    `data-column="${column.id}"`,
    ...(value === undefined ? [] : [`data-value="${value}"`]),
  ]
  return `<td ${attributes.join(' ')}>${escapeHtml(text)}</td>`
}

function renderConformance({ report, conformance }: Model): string {
  const promises = [...new Set(report.conformance.flatMap(({ results }) => results.map(({ promise }) => promise)))].sort((a, b) => a - b)
  const head = promises.map((n) => `<th scope="col" class="mark"><abbr title="${escapeHtml(PROMISES[n] ?? '')}">${n}</abbr></th>`)
  const rows = report.conformance.map(({ adapter, results, unavailable }) => {
    const cells =
      unavailable === undefined
        ? promises.map((promise) => renderMark(adapter, promise, results))
        : [`<td class="off" colspan="${promises.length}">unavailable: ${escapeHtml(unavailable)}</td>`]
    const summary = conformance.get(adapter)
    const bad = (summary?.counts.failed ?? 0) > 0 ? ' class="bad"' : ''
    return `<tr><th scope="row">${escapeHtml(adapter)}</th>${cells.join('')}<td${bad}>${escapeHtml(conformanceText(summary))}</td></tr>`
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

const renderEnvironment = ({ report }: Model): string => `<section id="environment">
<h2>Measured on</h2>
<dl>${environmentLines(report.environment)
  .map(([name, text]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd></div>`)
  .join('')}</dl>
</section>`

/** What the charts of a group draw. The figures are those of the records, unrounded. */
const chartOf = (group: Group) =>
  group.rows
    .map((row) => ({
      adapter: row.adapter,
      mechanism: row.mechanism,
      payload: formatBytes(row.payloadBytes),
      rtt: timesOf(row),
      rate: rateOf(row.throughput, 'messagesPerSecond'),
      bulk: rateOf(row.bulk, 'gigabytesPerSecond'),
    }))
    .filter(({ rtt, rate, bulk }) => rtt !== undefined || rate !== undefined || bulk !== undefined)

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Data that no browser takes for markup or script. */
const embed = (id: string, data: unknown): string =>
  `<script type="application/json" id="${id}">${JSON.stringify(data)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')}</script>`

/** A script that cannot end its element early: in JavaScript the escape means the same. */
const inScript = (code: string): string => code.replace(/<(?=\/script|!--)/gi, '\\x3c')

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
