/** The report as text for a terminal: as wide as that is, and coloured where it can show colours. */
import { COLUMNS, type Column, environmentLines, MARKS_KEY, titleOf } from './format.js'
import { type Group, type Model, notesOn, type Row } from './model.js'

export interface TerminalOptions {
  /** Default 100. */
  readonly columns?: number | undefined
  readonly color?: boolean | undefined
}

/** For standard output as it is: its width, and colours on a terminal unless NO_COLOR is set. */
export const terminalOptions = (stream: { isTTY?: boolean; columns?: number } = process.stdout): TerminalOptions => ({
  columns: stream.columns,
  color: stream.isTTY === true && (process.env.NO_COLOR ?? '') === '',
})

type Paint = (style: keyof typeof STYLES, text: string) => string
const STYLES = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39] } as const

const GAP = '  '
/** Given up in this order where the terminal is narrow. The heading names placement and wait mode too. */
const EXPENDABLE = ['placement', 'wait', 'p999', 'cpu', 'payload', 'bulk', 'p99', 'conformance']

export function renderTerminal(model: Model, { columns = 100, color = false }: TerminalOptions = {}): string {
  const paint: Paint = (style, text) => (color ? `\x1b[${STYLES[style][0]}m${text}\x1b[${STYLES[style][1]}m` : text)
  const { report } = model
  const lines: string[] = []
  if (report.partial) lines.push(paint('yellow', 'Partial: the run was ended before everything was measured.'), '')
  for (const group of model.groups) lines.push(...renderGroup(group, columns, paint), '')
  if (report.conformance.length > 0) lines.push(...renderConformance(model, columns, paint), '')
  const [processor, , , kernel, node] = environmentLines(report.environment)
  lines.push(...wrap([processor, kernel, node].map((line) => line?.[1]).join(' · '), columns, '').map((line) => paint('dim', line)))
  return `${lines.join('\n')}\n`
}

function renderGroup(group: Group, width: number, paint: Paint): string[] {
  const columns = fitting(group.rows, width)
  const widths = columns.map((column) => widthOf(column, group.rows))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => (columns[i]?.numeric ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
      .join(GAP)
      .trimEnd()
  const lines = [paint('bold', titleOf(group)), paint('dim', line(columns.map(({ title }) => title)))]
  for (const row of group.rows) lines.push(paintRow(row, line(columns.map((column) => column.text(row))), paint))
  for (const { adapters, text } of notesOn(group))
    lines.push(...wrap(`${adapters.join(', ')}: ${text}`, width, '  ').map((part) => paint('dim', part)))
  return lines
}

function paintRow(row: Row, text: string, paint: Paint): string {
  const statuses = [row.roundTrip, row.throughput, row.bulk].map((figure) => figure?.status)
  if (statuses.includes('failed') || (row.conformance?.counts.failed ?? 0) > 0) return paint('red', text)
  return statuses.includes('unavailable') ? paint('dim', text) : text
}

function fitting(rows: readonly Row[], width: number): Column[] {
  let columns = COLUMNS.filter((column) => column.id !== 'conformance' || rows.some((row) => row.conformance !== undefined))
  const needs = () => columns.reduce((sum, column) => sum + widthOf(column, rows) + GAP.length, -GAP.length)
  for (const id of EXPENDABLE) {
    if (needs() <= width) break
    columns = columns.filter((column) => column.id !== id)
  }
  return columns
}

const widthOf = (column: Column, rows: readonly Row[]): number =>
  Math.max(column.title.length, ...rows.map((row) => column.text(row).length))

function renderConformance({ conformance }: Model, width: number, paint: Paint): string[] {
  const total = { passed: 0, absent: 0, failed: 0, 'not-kept': 0, skipped: 0 }
  const lines: string[] = []
  for (const [adapter, { counts, unavailable, remarks }] of conformance) {
    for (const status of Object.keys(total) as (keyof typeof total)[]) total[status] += counts[status]
    if (unavailable !== undefined) lines.push(...wrap(`${adapter} unavailable: ${unavailable}`, width, '  '))
    for (const { promise, title, status, reason } of remarks) {
      const text = wrap(`${adapter} ${status.replace('-', ' ')}: promise ${promise}, ${title}: ${reason}`, width, '  ')
      lines.push(...text.map((line) => (status === 'failed' ? paint('red', line) : paint('dim', line))))
    }
  }
  const summary = `${total.passed} passed, ${total.absent} absent as declared, ${total.failed} failed, ${total['not-kept']} not kept, ${total.skipped} skipped`
  return [
    paint('bold', 'Conformance'),
    ...wrap(summary, width, '').map((line) => paint(total.failed > 0 ? 'red' : 'green', line)),
    ...lines,
    ...wrap(MARKS_KEY, width, '').map((line) => paint('dim', line)),
  ]
}

/** Words broken into lines, with this indent after the first. */
function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(/\s+/)) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = `${indent}  `
    }
    line += line.trim() === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
