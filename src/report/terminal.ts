/** The report as text for a terminal: as wide as that is, and coloured where it can show colours. */
import { columnsOf } from './columns.js'
import { environmentLines, MARKS, storyOf, titleOf } from './format.js'
import { type Group, groupBy, type Model, type Row } from './model.js'
import { notesOn } from './notes.js'
import { type TextTable, tablesOf } from './tables.js'

export interface TerminalOptions {
  /** Default 100. */
  readonly columns?: number | undefined
  readonly color?: boolean | undefined
  /** The file that has all remarks. Default: none is written, and they stand under the tables. */
  readonly details?: string | undefined
}

/** For standard output as it is: its width, and colours on a terminal unless NO_COLOR is set. */
export const terminalOptions = (stream: { isTTY?: boolean; columns?: number } = process.stdout): TerminalOptions => ({
  columns: stream.columns,
  color: stream.isTTY === true && (process.env.NO_COLOR ?? '') === '',
})

type Paint = (style: keyof typeof STYLES, text: string) => string
const STYLES = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39] } as const

const GAP = '  '
/** From this width on every row says its placement and wait mode; below, the heading alone does. */
const FULL_WIDTH = 100
/** Given up in this order where the terminal is narrow. */
const EXPENDABLE = ['cpu', 'p999', 'payload', 'rate-ratio', 'bulk', 'p99', 'conformance', 'ratio']
const EXPENDABLE_WHEN_NARROW = ['cpu', 'p999', 'placement', 'wait', 'payload', 'rate-ratio', 'bulk', 'p99', 'conformance', 'ratio']

const HOW_TO_READ =
  'RTT: one message there and back, µs; p99: 99 of 100 take less. msgs/s: one way. GB/s: one way, 64 KiB each. ' +
  '×C: as a multiple of the same exchange in C, run by turns. CPU: µs of both processes a message. ' +
  'peer/…: what is picked instead. A dash: no such figure.'

/** A column as it stands in the terminal. */
interface Shown {
  readonly title: string
  readonly numeric: boolean
  text(row: Row): string
  readonly width: number
}

export function renderTerminal(model: Model, { columns = 100, color = false, details }: TerminalOptions = {}): string {
  const paint: Paint = (style, text) => (color ? `\x1b[${STYLES[style][0]}m${text}\x1b[${STYLES[style][1]}m` : text)
  const dim = (text: string) => wrap(text, columns).map((line) => paint('dim', line))
  const { report } = model
  const lines: string[] = []
  if (report.partial) lines.push(paint('yellow', 'Partial: the run was ended before everything was measured.'), '')
  for (const group of model.groups.filter(({ rows }) => rows.length === 0 || rows.some(wasTried)))
    lines.push(...renderGroup(group, columns, details, paint), '')
  if (model.groups.length > 0) lines.push(...dim(HOW_TO_READ), '')
  for (const table of tablesOf(report)) {
    const notes = table.notes.filter(({ failed }) => failed || details === undefined)
    if (table.rows.length > 0 || notes.length > 0) lines.push(...renderTable({ ...table, notes }, columns, paint), '')
  }
  const unavailable = unavailableIn(model)
  for (const [reason, adapters] of unavailable)
    lines.push(...wrap(`Unavailable here: ${adapters.join(', ')}: ${reason}`, columns).map((line) => paint('yellow', line)))
  if (unavailable.size > 0) lines.push('')
  if (report.conformance.length > 0) lines.push(...renderConformance(model, columns, paint), '')
  const [processor, , , kernel, node] = environmentLines(report.environment)
  lines.push(...dim([processor, kernel, node].map((line) => line?.[1]).join(' · ')))
  return `${lines.join('\n')}\n`
}

/** Of a table in which nothing was even tried, there is nothing to say. */
const wasTried = ({ roundTrip, throughput, bulk }: Row): boolean =>
  [roundTrip, throughput, bulk].some((figure) => figure !== undefined && figure.status !== 'not-run' && figure.status !== 'impossible')

function renderGroup(group: Group, width: number, details: string | undefined, paint: Paint): string[] {
  const shown = fitting(group, width)
  const line = (texts: readonly string[]) => aligned(texts, shown)
  const titles = line(shown.map(({ title }) => title))
  const lines = [
    paint('bold', titleOf(group)),
    ...wrap(storyOf(group), width).map((text) => paint('dim', text)),
    '',
    ...(group.rows.length === 0 ? [] : [paint('dim', titles), paint('dim', '─'.repeat(titles.length))]),
    ...group.rows.map((row) => paintRow(row, line(shown.map((column) => column.text(row))), paint)),
  ]
  const notes = notesOn(group)
  for (const { adapters, text, status } of notes)
    if (status === 'failed') lines.push(paint('red', cut(`${MARKS.failed} ${adapters.join(', ')}: ${text}`.replace(/\s+/g, ' '), width)))
  const rest = notes.filter(({ status }) => status !== 'failed' && status !== 'unavailable' && status !== 'not-run')
  const count = rest.reduce((sum, { adapters }) => sum + adapters.length, 0)
  const told =
    details === undefined
      ? rest.map(({ adapters, text }) => `${adapters.join(', ')}: ${text}`)
      : [`${count} ${count === 1 ? 'remark' : 'remarks'} on what cannot be measured: see ${details}`]
  if (count > 0) lines.push(...told.flatMap((text) => wrap(text, width)).map((text) => paint('dim', text)))
  return lines
}

function paintRow(row: Row, text: string, paint: Paint): string {
  const statuses = [row.roundTrip, row.throughput, row.bulk].map((figure) => figure?.status)
  if (statuses.includes('failed') || (row.conformance?.counts.failed ?? 0) > 0) return paint('red', text)
  return statuses.includes('unavailable') ? paint('dim', text) : text
}

type Aligned = Pick<Shown, 'numeric' | 'width'>

const widthOf = (columns: readonly Aligned[]): number => columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length)

const aligned = (texts: readonly string[], columns: readonly Aligned[]): string =>
  columns
    .map(({ numeric, width }, i) => (numeric ? (texts[i] ?? '').padStart(width) : (texts[i] ?? '').padEnd(width)))
    .join(GAP)
    .trimEnd()

function fitting(group: Group, width: number): Shown[] {
  let columns = columnsOf(group).map(({ id, title, numeric, text, brief }) => {
    const short = { title: brief?.title ?? title, text: brief?.text ?? text }
    return { id, numeric, ...short, width: Math.max(short.title.length, ...group.rows.map((row) => short.text(row).length)) }
  })
  for (const id of width < FULL_WIDTH ? EXPENDABLE_WHEN_NARROW : EXPENDABLE) {
    if (widthOf(columns) <= width) break
    columns = columns.filter((column) => column.id !== id)
  }
  return columns
}

/** Where there is no room for all of it, the last numbers are left out: report.md has them. */
function renderTable({ title, story, columns, rows, notes }: TextTable, width: number, paint: Paint): string[] {
  let shown = columns.map((column, at) => ({
    ...column,
    at,
    width: Math.max(column.title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  }))
  while (widthOf(shown) > width) {
    const last = shown.findLast(({ numeric }) => numeric) ?? shown.at(-1)
    shown = shown.filter((column) => column !== last)
  }
  const line = (cells: readonly string[]) =>
    aligned(
      shown.map(({ at }) => cells[at] ?? ''),
      shown,
    )
  const titles = line(columns.map((column) => column.title))
  return [
    paint('bold', title),
    ...wrap(story, width).map((text) => paint('dim', text)),
    '',
    ...(rows.length > 0 ? [paint('dim', titles), paint('dim', '─'.repeat(titles.length)), ...rows.map(line)] : []),
    ...notes.map(({ adapters, text, failed }) => {
      const about = `${adapters.join(', ')}: ${text}`.replace(/\s+/g, ' ')
      return failed ? paint('red', cut(`${MARKS.failed} ${about}`, width)) : paint('dim', cut(about, width))
    }),
  ]
}

/** Adapters that cannot run on this host, by the reason. */
function unavailableIn({ report, conformance }: Model): Map<string, string[]> {
  const reasons = new Map<string, string>()
  for (const [adapter, { unavailable }] of conformance) if (unavailable !== undefined) reasons.set(adapter, unavailable)
  for (const record of report.records) if (record.status === 'unavailable') reasons.set(record.adapter, record.reason)
  return new Map([...groupBy([...reasons], ([, reason]) => reason)].map(([reason, about]) => [reason, about.map(([adapter]) => adapter)]))
}

function renderConformance({ conformance }: Model, width: number, paint: Paint): string[] {
  const total = { passed: 0, absent: 0, failed: 0, 'not-kept': 0, skipped: 0 }
  const lines: string[] = []
  for (const [adapter, { counts, remarks }] of conformance) {
    for (const status of Object.keys(total) as (keyof typeof total)[]) total[status] += counts[status]
    for (const { promise, title, status, reason } of remarks) {
      if (status === 'skipped') continue
      const line = `${MARKS[status]} ${adapter}, promise ${promise}, ${title}: ${reason}`.replace(/\s+/g, ' ')
      lines.push(paint(status === 'failed' ? 'red' : 'dim', cut(`  ${line}`, width)))
    }
  }
  const summary = [
    `${total.passed} passed ${MARKS.passed}`,
    `${total.absent} absent as declared ${MARKS.absent}`,
    `${total.failed} failed ${MARKS.failed}`,
    ...(total['not-kept'] > 0 ? [`${total['not-kept']} not kept, with a reason ${MARKS['not-kept']}`] : []),
    ...(total.skipped > 0 ? [`${total.skipped} not tried ${MARKS.skipped}`] : []),
  ]
  return [
    paint('bold', 'Conformance'),
    ...wrap(summary.join(' · '), width).map((line) => paint(total.failed > 0 ? 'red' : 'green', line)),
    ...lines,
  ]
}

/** One line; report.md has all of it. */
const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`)

/** Words broken into lines. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
