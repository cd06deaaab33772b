/** The matrix as a page of the report: the table in the markup, a cell's story by assets/matrix.js. */
import type { Verdict } from '../matrix/run-cell.js'
import { escapeHtml } from './escape.js'
import { countsOf, gridOf, type MatrixReport, type MatrixRow, seenIn } from './matrix.js'
import { SYMBOLS, VERDICTS } from './matrix-words.js'

export function renderMatrix(report: MatrixReport): string {
  const { cells, host, partial, createdAt } = report
  const { columns, rows } = gridOf(cells)
  const places = new Map(cells.map((cell, place) => [cell, place]))
  const head = columns.map(
    ({ subject, adapter }) =>
      `<th scope="col" data-subject="${escapeHtml(subject)}"><abbr title="${escapeHtml(adapter)}">${escapeHtml(subject)}</abbr></th>`,
  )
  const bodies: string[] = []
  for (const [group, own] of groups(rows)) {
    const lines = own.map((row) => {
      const shown = columns.map(({ subject }) => {
        const cell = row.cells.get(subject)
        if (cell === undefined) return '<td></td>'
        const { verdict } = cell
        const label = `${row.property} ${subject}: ${VERDICTS[verdict]}`
        return `<td class="${verdict}"><button type="button" data-cell="${places.get(cell)}" aria-label="${escapeHtml(label)}"><span>${SYMBOLS[verdict]}</span>&nbsp;${escapeHtml(seenIn(cell))}</button></td>`
      })
      return `<tr><th scope="row"><b>${row.property}</b> ${escapeHtml(row.title)}</th>${shown.join('')}</tr>`
    })
    bodies.push(
      `<tbody><tr class="group"><th scope="rowgroup" colspan="${columns.length + 1}"><span>${escapeHtml(group)}</span></th></tr>\n${lines.join('\n')}</tbody>`,
    )
  }
  const about = [host.kernel, ...(host.libc === undefined ? [] : [`glibc ${host.libc}`]), `Node.js ${host.node}`, `user ${host.user}`]
  return `<section id="matrix" class="page">
<h2>The semantics matrix</h2>
<p class="story">What each mechanism does, asked of this kernel: every cell is an experiment between processes, held against what the documents say. A cell tells its story when it is chosen.</p>
<p class="story">${escapeHtml(`${about.join(' · ')} · ${createdAt.slice(0, 16).replace('T', ' ')} UTC`)}</p>
${partial ? '<p class="partial" role="status">Partial: the run was ended before every cell had been tried.</p>\n' : ''}<form id="verdicts" aria-label="Which cells stand out">${countsOf(
    cells,
  )
    .map(({ verdict, count }) => filter(verdict, count))
    .join('')}</form>
<div class="scroll" tabindex="0" role="region" aria-label="Table: the semantics matrix">
<table class="matrix">
<thead><tr><th scope="col">property</th>${head.join('')}</tr></thead>
${bodies.join('\n')}
</table>
</div>
<dialog id="cell" aria-labelledby="cell-title"></dialog>
</section>`
}

const filter = (verdict: Verdict, count: number): string =>
  `<label class="${verdict}"><input type="checkbox" name="verdict" value="${verdict}"${count === 0 ? ' disabled' : ' checked'}><span>${SYMBOLS[verdict]} ${count} ${VERDICTS[verdict]}</span></label>`

function groups(rows: readonly MatrixRow[]): ReadonlyMap<string, readonly MatrixRow[]> {
  const found = new Map<string, MatrixRow[]>()
  for (const row of rows) found.set(row.group, [...(found.get(row.group) ?? []), row])
  return found
}
