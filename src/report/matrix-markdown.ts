/** The matrix as Markdown: the textbook's table, as this kernel answers it. */
import { escapeMarkdown } from './escape-markdown.js'
import { gridOf, type MatrixReport, remarkable, seenIn, summaryOf } from './matrix.js'
import { SYMBOLS } from './matrix-words.js'

export function renderMatrixMarkdown({ cells, host, partial, createdAt }: MatrixReport): string {
  const { columns, rows } = gridOf(cells)
  const lines = [
    '# The semantics matrix',
    '',
    'What this kernel answered, each cell by an experiment between processes.',
    '',
    summaryOf(cells),
    '',
  ]
  if (partial) lines.push('**Partial**: the run was ended before every cell had been tried.', '')
  lines.push(`| property | ${columns.map(({ subject }) => subject).join(' | ')} |`, `|${'---|'.repeat(columns.length + 1)}`)
  for (const row of rows) {
    const marks = columns.map(({ subject }) => {
      const cell = row.cells.get(subject)
      return cell === undefined ? '' : `${SYMBOLS[cell.verdict]} ${escapeMarkdown(seenIn(cell))}`.trimEnd()
    })
    lines.push(`| **${row.property}** ${escapeMarkdown(row.title)} | ${marks.join(' | ')} |`)
  }
  const remarks = remarkable(cells)
  if (remarks.length > 0)
    lines.push(
      '',
      ...remarks.map(
        ({ verdict, property, subject, reason, prediction }) =>
          `- ${SYMBOLS[verdict]} **${property}** \`${subject}\`: ${escapeMarkdown(reason ?? '')}${verdict === 'differs' && prediction.cite !== '' ? ` (${escapeMarkdown(prediction.cite)})` : ''}`,
      ),
    )
  lines.push('', '## Subjects', '', ...columns.map(({ subject, adapter }) => `- \`${subject}\`: \`${adapter}\``))
  lines.push('', '## Asked of', '', `- Kernel: ${escapeMarkdown(host.kernel)}`)
  if (host.libc !== undefined) lines.push(`- C library: glibc ${escapeMarkdown(host.libc)}`)
  lines.push(
    `- Node.js ${escapeMarkdown(host.node)}`,
    `- User ${host.user}, capabilities ${escapeMarkdown(host.capabilities)}`,
    `- Date: ${createdAt}`,
    '',
  )
  return lines.join('\n')
}
