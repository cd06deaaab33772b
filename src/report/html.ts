/**
 * The report as one HTML file that needs nothing else: scripts and styles are inside, and a content
 * security policy lets nothing in beside them. Tables and texts are in the markup, so that they can be read
 * without a script, too; charts, filters and the chooser are made by assets/page.js from the embedded report.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { escapeHtml } from './escape.js'
import { environmentLines } from './format.js'
import { renderConformance, renderRecords } from './html-tables.js'
import type { LabReport } from './lab.js'
import { plotsOfLab, renderLab } from './lab-html.js'
import type { MatrixReport } from './matrix.js'
import { renderMatrix } from './matrix-html.js'
import type { Model } from './model.js'

const asset = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')

/** One module out of several, each after those that it needs: what they import of each other is in scope. */
const bundle = (names: readonly string[]): string =>
  names
    .map(asset)
    .join('\n')
    .replace(/^import\b[^;]*? from '[^']*';?$/gm, '')
    .replace(/^\/\/# sourceMappingURL=.*$/gm, '')

const MATRIX_MODULES = ['matrix-words.js', 'assets/matrix.js']
const NETWORK_MODULES = ['format.js', 'assets/axes.js', 'assets/network.js']
const MODULES = [
  'format.js',
  'figures.js',
  'choose.js',
  'assets/filters.js',
  'assets/axes.js',
  'assets/charts.js',
  'assets/chooser.js',
  'assets/page.js',
]
const STYLES = ['assets/page.css', 'assets/network.css']

/** What the page shows; at least one of them. */
export interface Page {
  readonly model?: Model | undefined
  readonly matrix?: MatrixReport | undefined
  readonly lab?: LabReport | undefined
}

export function renderHtml({ model, matrix, lab }: Page): string {
  const style = STYLES.map(asset).join('\n')
  const library = inScript(asset('assets/chart.js'))
  const scripts = [
    ...(model === undefined && lab === undefined ? [] : [library]),
    ...(model === undefined ? [] : [inScript(bundle(MODULES))]),
    ...(matrix === undefined ? [] : [inScript(bundle(MATRIX_MODULES))]),
    ...(lab === undefined ? [] : [inScript(bundle(NETWORK_MODULES))]),
  ]
  const pages = [
    ...(model === undefined ? [] : [{ id: 'figures', title: 'Figures', markup: renderFigures(model) }]),
    ...(matrix === undefined ? [] : [{ id: 'matrix', title: 'Semantics matrix', markup: renderMatrix(matrix) }]),
    ...(lab === undefined ? [] : [{ id: 'network', title: 'Network lab', markup: renderLab(lab) }]),
  ]
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${hash(style)}`,
    `script-src ${scripts.map(hash).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
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
${model === undefined ? '' : renderSummary(model)}${pages.length < 2 ? '' : `<nav>${pages.map(({ id, title }) => `<a href="#${id}">${title}</a>`).join('')}</nav>\n`}</header>
<main>
${pages.map(({ markup }) => markup).join('\n')}
</main>
${model === undefined ? '' : embed('report', model.report)}
${matrix === undefined ? '' : embed('matrix-data', { host: matrix.host, cells: matrix.cells })}
${lab === undefined ? '' : embed('network-data', { plots: plotsOfLab(lab) })}
${scripts.map((script) => `<script${script === library ? '' : ' type="module"'}>${script}</script>`).join('\n')}
</body>
</html>
`
}

const renderSummary = (model: Model): string =>
  `<p>${escapeHtml(summary(model))}</p>\n${model.report.partial ? '<p class="partial" role="status">Partial: the run was ended before everything was measured.</p>\n' : ''}`

function renderFigures(model: Model): string {
  const { report } = model
  return `<div id="figures" class="page">
${report.records.length > 0 ? `${FILTERS}\n${CHARTS}` : ''}
${Object.keys(report.capabilities).length > 0 ? CHOOSER : ''}
${renderRecords(report)}
${model.conformance.size > 0 ? renderConformance(model) : ''}
${renderEnvironment(model)}
</div>`
}

function summary({ report }: Model): string {
  const { cpu, processors, node, kernel } = report.environment
  return `${cpu}, ${processors.length} ${processors.length === 1 ? 'processor' : 'processors'} · ${kernel} · Node.js ${node} · ${report.createdAt.slice(0, 16).replace('T', ' ')} UTC`
}

/** Filled by assets/filters.js. */
const FILTERS = '<form id="filters" aria-label="What is shown" hidden></form>'

interface Chart {
  readonly id: string
  readonly title: string
  readonly story: string
  readonly wide?: true
}

/** Drawn by assets/charts.js; one without data hides itself. */
const CHART_LIST: readonly Chart[] = [
  { id: 'rtt', title: 'Round trip', story: 'median, µs, shorter is better; beside each the same in C', wide: true },
  {
    id: 'percentiles',
    title: 'Percentiles of the round trip',
    story: 'µs, both axes log; a name in the legend shows and hides its line',
    wide: true,
  },
  {
    id: 'ratio',
    title: 'Time against C',
    story: 'ours as a multiple of the same exchange in C, with its 95 % interval; at 1 they are equal, left is better',
  },
  {
    id: 'rate-ratio',
    title: 'Messages a second against C',
    story: 'ours as a multiple, with its 95 % interval; at 1 they are equal, right is better',
  },
  { id: 'rate', title: 'Messages a second', story: 'longer is better; beside each the same in C' },
  {
    id: 'cost',
    title: 'CPU against latency',
    story: 'µs of both sides a message over the median round trip, both log; lower left is better, hollow is C',
  },
  { id: 'sizes', title: 'Throughput over size', story: 'GB/s over the payload, both log; dashed is C' },
  { id: 'fan-in', title: 'Many senders, one receiver', story: 'messages a second of all together' },
  { id: 'one-way', title: 'Percentiles of one way at a fixed rate', story: 'µs from when it was due, both axes log', wide: true },
  { id: 'rendezvous', title: 'Rendezvous', story: 'from the offer to the first message, median, µs, shorter is better', wide: true },
]

const CHARTS = `<section id="charts">
<h2>Charts</h2>
<p class="story" id="setting" role="status">Charts need JavaScript; the tables below have every figure.</p>
<div class="charts">
${CHART_LIST.map(
  ({ id, title, story, wide }) =>
    `<figure${wide ? ' class="wide"' : ''} hidden><figcaption><b>${title}</b> <span>${story}</span></figcaption><div class="plot"><canvas id="chart-${id}" data-chart="${id}" tabindex="0" role="img" aria-label="${title}; arrow keys go through its records, the tables below have the figures"></canvas></div></figure>`,
).join('\n')}
</div>
<p id="record" class="spoken" role="status"></p>
</section>`

/** Filled by assets/chooser.js. */
const CHOOSER = `<section id="chooser" hidden>
<h2>Which mechanism should I use?</h2>
<p class="story">From the figures of this machine and what each adapter declares; filters do not matter here.</p>
<form id="needs" aria-label="What is needed"></form>
<div id="answer" aria-live="polite"></div>
</section>`

const renderEnvironment = ({ report }: Model): string => `<section id="environment">
<h2>Measured on</h2>
<dl>${environmentLines(report.environment)
  .map(([name, text]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd></div>`)
  .join('')}</dl>
</section>`

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Data that no browser takes for markup or script. */
const embed = (id: string, data: unknown): string =>
  `<script type="application/json" id="${id}">${JSON.stringify(data)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')}</script>`

/** A script that cannot end its element early: in JavaScript the escape means the same. */
const inScript = (code: string): string => code.replace(/<(?=\/script|!--)/gi, '\\x3c')
