/** The report as text for a terminal: as wide as that is, and coloured where it can show colours. */
import { COLUMNS, environmentLines, MARKS, storyOf, titleOf } from './format.js'
import { type Group, groupBy, type Model, notesOn, type Row } from './model.js'

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
const EXPENDABLE = ['cpu', 'p999', 'payload', 'bulk', 'p99', 'conformance']
const EXPENDABLE_WHEN_NARROW = ['cpu', 'p999', 'placement', 'wait', 'payload', 'bulk', 'p99', 'conformance']

const HOW_TO_READ =
  'RTT: one message there and back, µs; p99: 99 of 100 take less. msgs/s: one way. GB/s: one way, 64 KiB each. ' +
  'CPU: µs of both processes a message. A dash: the mechanism has no such figure.'

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
  for (const group of model.groups) lines.push(...renderGroup(group, columns, details, paint), '')
  if (model.groups.length > 0) lines.push(...dim(HOW_TO_READ), '')
  const unavailable = unavailableIn(model)
  for (const [reason, adapters] of unavailable)
    lines.push(...wrap(`Unavailable here: ${adapters.join(', ')}: ${reason}`, columns).map((line) => paint('yellow', line)))
  if (unavailable.size > 0) lines.push('')
  if (report.conformance.length > 0) lines.push(...renderConformance(model, columns, paint), '')
  const [processor, , , kernel, node] = environmentLines(report.environment)
  lines.push(...dim([processor, kernel, node].map((line) => line?.[1]).join(' · ')))
  return `${lines.join('\n')}\n`
}

function renderGroup(group: Group, width: number, details: string | undefined, paint: Paint): string[] {
  const shown = fitting(group.rows, width)
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => (shown[i]?.numeric ? text.padStart(shown[i]?.width ?? 0) : text.padEnd(shown[i]?.width ?? 0)))
      .join(GAP)
      .trimEnd()
  const titles = line(shown.map(({ title }) => title))
  const lines = [
    paint('bold', titleOf(group)),
    ...wrap(storyOf(group), width).map((text) => paint('dim', text)),
    '',
    paint('dim', titles),
    paint('dim', '─'.repeat(titles.length)),
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

function fitting(rows: readonly Row[], width: number): Shown[] {
  let columns = COLUMNS.filter((column) => column.id !== 'conformance' || rows.some((row) => row.conformance !== undefined)).map(
    ({ id, title, numeric, text, brief }) => {
      const short = { title: brief?.title ?? title, text: brief?.text ?? text }
      return { id, numeric, ...short, width: Math.max(short.title.length, ...rows.map((row) => short.text(row).length)) }
    },
  )
  const needs = () => columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length)
  for (const id of width < FULL_WIDTH ? EXPENDABLE_WHEN_NARROW : EXPENDABLE) {
    if (needs() <= width) break
    columns = columns.filter((column) => column.id !== id)
  }
  return columns
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
