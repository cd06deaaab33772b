import { findProperty, runMatrix, subjects } from '../matrix/index.js'
import type { CellResult } from '../matrix/run-cell.js'
import { coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { selectCells } from './matrix-cells.js'
import { painted } from './matrix-words.js'
import { startProgress } from './progress.js'

/** What a SIGKILL leaves: the cells of the matrix in which one dies, turned so that a mechanism is a line. */
const DEATHS = [
  ['P29', 'in the middle of a write'],
  ['P30', 'holding the lock'],
  ['P22', 'with unread data'],
  ['P31', 'does the survivor learn of it'],
  ['P24', 'what of the name'],
] as const

/** For each mechanism a process is killed; shows what its survivor sees, side by side. Exit status 1 where a cell differs or failed. */
export async function compareCrash(options: { json?: true }): Promise<number> {
  const cells = selectCells(DEATHS.map(([property]) => property))
  const progress = startProgress()
  const results = await interruptible(async (signal) => {
    try {
      const onResult = (_: CellResult, done: number, total: number) => progress.update(done / total, 0, 'killing')
      return await runMatrix({ cells, signal, onResult })
    } finally {
      progress.stop()
    }
  })
  if (options.json === true) console.log(JSON.stringify(results, null, 2))
  else process.stdout.write(tableOf(results))
  return results.some(({ verdict }) => verdict === 'differs' || verdict === 'failed') ? 1 : 0
}

function tableOf(results: readonly CellResult[]): string {
  const paint = coloursFor(process.stdout)
  const said = (cell: CellResult | undefined): string =>
    cell === undefined ? '' : cell.verdict === 'not-applicable' ? '–' : (cell.observation?.value ?? `${cell.verdict}: ${cell.reason}`)
  const at = (subject: string, property: string) => results.find((cell) => cell.subject === subject && cell.property === property)
  const first = Math.max(...subjects.map(({ title }) => title.length)) + 2
  const widths = DEATHS.map(([property, title]) => Math.max(title.length, ...subjects.map(({ key }) => said(at(key, property)).length)) + 2)
  const head = DEATHS.map(([, title], i) => title.padEnd(widths[i] ?? 0)).join('')
  const lines = subjects.map(({ key, title }) => {
    const told = DEATHS.map(([property], i) => {
      const cell = at(key, property)
      const text = said(cell).padEnd(widths[i] ?? 0)
      return cell === undefined || cell.verdict === 'pass' ? text : painted(cell.verdict, text, paint)
    })
    return `${title.padEnd(first)}${told.join('').trimEnd()}`
  })
  const ids = DEATHS.map(([property], i) => property.padEnd(widths[i] ?? 0)).join('')
  return [
    paint.bold('One process is killed (SIGKILL). What its survivor finds:'),
    '',
    `${''.padEnd(first)}${head}`.trimEnd(),
    paint.dim(`${''.padEnd(first)}${ids}`.trimEnd()),
    ...lines,
    '',
    paint.dim(`The story of each: make cell P=${findProperty('P29').id} M=${subjects[0]?.key}`),
    '',
  ].join('\n')
}
