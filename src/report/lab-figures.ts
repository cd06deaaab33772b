/** What a story wrote down once, as a table: whose it is beside what it is. */
import { escapeHtml } from './escape.js'
import type { Taken } from './samples.js'

export function renderFigures(figures: readonly Taken[], title: string): string {
  if (figures.length === 0) return ''
  const [columns, rows] = [[...new Set(figures.map(({ what }) => what))], [...new Set(figures.map(({ whose }) => whose))]]
  const head = columns.map((what) => `<th scope="col" class="number">${escapeHtml(what)}</th>`)
  const body = rows.map((whose) => {
    const cells = columns.map((what) => cellOf(figures.find((figure) => figure.what === what && figure.whose === whose)))
    return `<tr><th scope="row">${escapeHtml(whose)}</th>${cells.join('')}</tr>`
  })
  return `<div class="scroll" tabindex="0" role="region" aria-label="Figures: ${escapeHtml(title)}"><table class="figures">
<thead><tr><th></th>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>
`
}

function cellOf(figure: Taken | undefined): string {
  if (figure === undefined) return '<td></td>'
  const { value, end } = figure
  const text = value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) < 100 ? 3 : 12, maximumFractionDigits: 0 })
  return `<td class="number">${text}${end === undefined ? '' : ` <span class="soft">${escapeHtml(end)}</span>`}</td>`
}
