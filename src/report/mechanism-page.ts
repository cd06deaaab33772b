/** The parts of docs/mechanisms/*.md that are measured or declared; the words around them are written by hand. Pure. */
import type { Capabilities } from '../core/channel.js'
import { columnsOf } from './columns.js'
import { formatBytes, settingOf } from './format.js'
import { markdownTable } from './markdown-table.js'
import { gridOf, type MatrixReport, seenIn } from './matrix.js'
import { SYMBOLS } from './matrix-words.js'
import { modelOf, type Report } from './model.js'

/** What a page may ask for, each between `<!-- name -->` and `<!-- /name -->`. */
const PARTS: Readonly<Record<string, (mechanism: string, report: Report, matrix: MatrixReport) => string[]>> = {
  capabilities: (mechanism, report) => capabilitiesOf(mechanism, report),
  limits: (mechanism, _report, matrix) => cellsOf(mechanism, matrix, ['P07', 'P08', 'P09', 'P12', 'P13', 'P16', 'P20']),
  crash: (mechanism, _report, matrix) => cellsOf(mechanism, matrix, ['P22', 'P24', 'P26', 'P27', 'P29', 'P30', 'P31']),
  figures: (mechanism, report) => figuresOf(mechanism, report),
}

/**
 * The page with its parts made anew.
 * @throws Error where a part has no end, or nobody knows its name
 */
export function fillMechanismPage(page: string, mechanism: string, report: Report, matrix: MatrixReport): string {
  return page.replace(/^<!-- (\w+) -->$([\s\S]*?)(^<!-- \/\1 -->$|$(?![\s\S]))/gm, (_whole, name: string, _old, end: string) => {
    const part = PARTS[name]
    if (part === undefined || end === '')
      throw new Error(`<!-- ${name} --> in the page of ${mechanism} ${part ? 'has no end' : 'is no part'}`)
    return [`<!-- ${name} -->`, '', ...part(mechanism, report, matrix), '', end].join('\n')
  })
}

const DECLARED: readonly (readonly [string, (own: Capabilities) => string])[] = [
  [
    'carries',
    ({ framing }) => ({ message: 'messages', stream: 'a byte stream, framed by the library', event: 'events without bytes' })[framing],
  ],
  ['payload', ({ payload }) => payloadText(payload)],
  ['directions of one kernel object', ({ native }) => ({ duplex: 'both', simplex: 'one; a channel takes two' })[native]],
  ['order', ({ order }) => order],
  ['when full', ({ whenFull }) => whenFull],
  ['end told by', ({ end }) => end],
  ['meets by', ({ rendezvous }) => rendezvous],
  ['peers of a listener', ({ peers }) => peers],
  [
    'lives as long as',
    ({ lifetime }) =>
      ({ process: 'the processes that have it open', kernel: 'the kernel runs', filesystem: 'the file is there' })[lifetime],
  ],
  ['notices that the peer is gone', ({ detectsPeerExit }) => yesNo(detectsPeerExit)],
  ['usable after a peer was killed', ({ crashSafe }) => yesNo(crashSafe)],
  ['blocking calls', ({ sync }) => yesNo(sync)],
  ['in place, without a copy', ({ zeroCopy }) => yesNo(zeroCopy)],
  ['reaches other machines', ({ crossesHosts }) => yesNo(crossesHosts)],
]

const yesNo = (is: boolean): string => (is ? 'yes' : 'no')
const UNLIMITED = 2 ** 32 - 1
const payloadText = ({ min, max }: Capabilities['payload']): string =>
  max >= UNLIMITED ? `${formatBytes(min)} and more` : min === max ? formatBytes(max) : `${formatBytes(min)} to ${formatBytes(max)}`

function capabilitiesOf(mechanism: string, { capabilities }: Report): string[] {
  const own = Object.entries(capabilities).filter(([adapter]) => adapter.startsWith(`${mechanism}/`))
  return markdownTable(
    ['', ...own.map(([adapter]) => adapter)],
    [false, ...own.map(() => false)],
    DECLARED.map(([title, text]) => [title, ...own.map(([, declared]) => text(declared))]),
  )
}

/** The answers of this kernel, a row a property. */
function cellsOf(mechanism: string, matrix: MatrixReport, properties: readonly string[]): string[] {
  const { columns, rows } = gridOf(matrix.cells)
  const own = columns.filter(({ adapter }) => adapter.startsWith(`${mechanism}/`))
  return markdownTable(
    ['', ...own.map(({ adapter }) => adapter)],
    [false, ...own.map(() => false)],
    rows
      .filter(
        ({ property, cells }) =>
          properties.includes(property) && own.some(({ subject }) => cells.get(subject)?.verdict !== 'not-applicable'),
      )
      .map(({ property, title, cells }) => [
        `${property} ${title}`,
        ...own.map(({ subject }) => {
          const cell = cells.get(subject)
          return cell === undefined ? '' : seenIn(cell) || SYMBOLS[cell.verdict]
        }),
      ]),
  )
}

function figuresOf(mechanism: string, report: Report): string[] {
  const own = report.records.filter((record) => record.mechanism === mechanism)
  const { groups } = modelOf({ ...report, records: own })
  return groups.flatMap((group, index) => {
    const columns = columnsOf(group).filter(({ id }) => id !== 'placement' && id !== 'wait')
    return [
      ...(index === 0 ? [] : ['']),
      `${settingOf(group)}:`,
      '',
      ...markdownTable(
        columns.map(({ title }) => title),
        columns.map(({ numeric }) => numeric),
        group.rows.map((row) => columns.map((column) => column.text(row))),
      ),
    ]
  })
}
