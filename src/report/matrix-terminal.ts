/** The matrix as a grid for a terminal. */
import type { Verdict } from '../matrix/run-cell.js'
import { countsOf, gridOf, type MatrixReport, remarkable } from './matrix.js'
import { SYMBOLS, VERDICTS } from './matrix-words.js'

const TITLE_WIDTH = 42
/** Keys are turned aside where they would not fit over their marks. */
const COLUMN_WIDTH = 8
const NARROW_COLUMN_WIDTH = 3

export type PaintVerdict = (verdict: Verdict, text: string) => string

/** `columns`: the terminal's width; on a narrow one the subjects are numbered, and named below. */
export function renderMatrixTerminal(
  { cells, partial, host }: MatrixReport,
  paint: PaintVerdict,
  columns = Number.POSITIVE_INFINITY,
): string {
  const grid = gridOf(cells)
  const narrow = TITLE_WIDTH + 4 + grid.columns.length * COLUMN_WIDTH > columns
  const width = narrow ? NARROW_COLUMN_WIDTH : COLUMN_WIDTH
  const room = Math.max(0, Math.min(TITLE_WIDTH, columns - 5 - grid.columns.length * width))
  const head = grid.columns.map(({ subject }, i) => (narrow ? String(i + 1) : subject).padEnd(width))
  const lines = [`${' '.repeat(room + 5)}${head.join('').trimEnd()}`]
  let group = ''
  for (const row of grid.rows) {
    if (row.group !== group) lines.push('', row.group)
    group = row.group
    const marks = grid.columns.map(({ subject }) => {
      const verdict = row.cells.get(subject)?.verdict
      return verdict === undefined ? ' '.repeat(width) : paint(verdict, SYMBOLS[verdict].padEnd(width))
    })
    lines.push(`${row.property} ${row.title.slice(0, room).padEnd(room)} ${marks.join('')}`.trimEnd())
  }
  if (narrow) lines.push('', grid.columns.map(({ subject }, i) => `${i + 1} ${subject}`).join('  '))
  lines.push(
    '',
    countsOf(cells)
      .map(({ verdict, count }) => paint(verdict, `${SYMBOLS[verdict]} ${count} ${VERDICTS[verdict]}`))
      .join('   '),
  )
  const remarks = remarkable(cells).map(
    ({ verdict, property, subject, reason }) => `${paint(verdict, SYMBOLS[verdict])} ${property} ${subject}: ${reason ?? ''}`,
  )
  if (remarks.length > 0) lines.push('', ...remarks)
  lines.push('', `${host.kernel}${host.libc === undefined ? '' : `, glibc ${host.libc}`}`)
  if (partial) lines.push('Partial: the run was ended before every cell had been tried.')
  return `${lines.join('\n')}\n`
}
