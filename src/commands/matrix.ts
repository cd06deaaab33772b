import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  allCells,
  type Cell,
  type CellResult,
  findProperty,
  findSubject,
  runMatrix,
  subjects,
  unavailable,
  type Verdict,
} from '../matrix/index.js'
import { type Colours, coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { painted, symbols } from './matrix-words.js'
import { UsageError } from './outcome.js'
import { startProgress } from './progress.js'
import { checkFolder, short } from './report-folder.js'

interface Options {
  folder: string
  json?: boolean
}

/** Runs the matrix, or the rows and columns that `names` name; prints a grid and writes it. Exit status 1 where a cell differs or failed. */
export async function matrix(names: readonly string[], options: Options): Promise<number> {
  const reason = unavailable()
  if (reason !== undefined) throw new UsageError(reason)
  const cells = selected(names)
  checkFolder(options.folder)
  const progress = startProgress()
  const started = performance.now()
  const results: CellResult[] = []
  const publish = () => {
    progress.stop()
    results.sort(inOrderOf(cells))
    write(options.folder, results)
    process.stdout.write(options.json === true ? `${JSON.stringify(results, null, 2)}\n` : gridOf(results, coloursFor(process.stdout)))
    console.error(`${short(join(options.folder, 'matrix.json'))}, ${short(join(options.folder, 'matrix.md'))}`)
  }
  await interruptible(async (signal) => {
    try {
      await runMatrix({
        cells,
        signal,
        onResult: (result, done, total) => {
          results.push(result)
          const left = ((performance.now() - started) / done) * (total - done)
          progress.update(done / total, left, result.title)
        },
      })
    } finally {
      publish()
    }
  })
  return results.some(({ verdict }) => verdict === 'differs' || verdict === 'failed') ? 1 : 0
}

/** Rows and columns together are where they cross. */
function selected(names: readonly string[]): readonly Cell[] {
  const properties = new Set<Cell['property']>()
  const columns = new Set<Cell['subject']>()
  for (const name of names) {
    const subject = subjects.find(({ key, adapter }) => key === name || adapter === name)
    try {
      if (subject !== undefined) columns.add(subject)
      else if (name.includes('/')) columns.add(findSubject(name))
      else properties.add(findProperty(name))
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message) : error
    }
  }
  return allCells().filter(
    ({ property, subject }) => (properties.size === 0 || properties.has(property)) && (columns.size === 0 || columns.has(subject)),
  )
}

const placeOf = ({ property, subject }: { property: string; subject: string }): string => `${property} ${subject}`

function inOrderOf(cells: readonly Cell[]) {
  const places = new Map(cells.map(({ property, subject }, at) => [placeOf({ property: property.id, subject: subject.key }), at]))
  return (a: CellResult, b: CellResult) => (places.get(placeOf(a)) ?? 0) - (places.get(placeOf(b)) ?? 0)
}

function rowsOf(results: readonly CellResult[]): ReadonlyMap<string, readonly CellResult[]> {
  const rows = new Map<string, CellResult[]>()
  for (const result of results) rows.set(result.property, [...(rows.get(result.property) ?? []), result])
  return rows
}

const columnsOf = (results: readonly CellResult[]): readonly string[] => {
  const keys = new Set<string>(results.map(({ subject }) => subject))
  return subjects.map(({ key }) => key).filter((key) => keys.has(key))
}

const TITLE_WIDTH = 42

function gridOf(results: readonly CellResult[], paint: Colours): string {
  const columns = columnsOf(results)
  const lines = [`${' '.repeat(TITLE_WIDTH + 4)}${columns.map((key) => key.padEnd(8)).join('')}`]
  for (const [property, row] of rowsOf(results)) {
    const cells = columns.map((key) => {
      const verdict = row.find(({ subject }) => subject === key)?.verdict
      return verdict === undefined ? ' '.repeat(8) : painted(verdict, symbols[verdict].padEnd(8), paint)
    })
    lines.push(`${property} ${(row[0]?.title ?? '').slice(0, TITLE_WIDTH).padEnd(TITLE_WIDTH)}${cells.join('')}`)
  }
  lines.push('', summaryOf(results), '')
  for (const result of results)
    if (result.verdict !== 'pass' && result.verdict !== 'not-applicable')
      lines.push(`${painted(result.verdict, symbols[result.verdict], paint)} ${result.property} ${result.subject}: ${result.reason ?? ''}`)
  return `${lines.join('\n')}\n`
}

const ORDER: readonly Verdict[] = ['pass', 'differs', 'failed', 'skipped', 'not-applicable']

function summaryOf(results: readonly CellResult[]): string {
  const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length
  return ORDER.map((verdict) => `${symbols[verdict]} ${count(verdict)} ${verdict.replace('-', ' ')}`).join('   ')
}

function write(folder: string, results: readonly CellResult[]): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'matrix.json'), `${JSON.stringify(results, null, 1)}\n`)
  writeFileSync(join(folder, 'matrix.md'), markdownOf(results))
}

function markdownOf(results: readonly CellResult[]): string {
  const columns = columnsOf(results)
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = [...rowsOf(results)].map(([property, row]) => {
    const cells = columns.map((key) => {
      const result = row.find(({ subject }) => subject === key)
      return result === undefined ? '' : cell(`${symbols[result.verdict]} ${result.observation?.value ?? ''}`)
    })
    return `| **${property}** ${cell(row[0]?.title ?? '')} | ${cells.join(' | ')} |`
  })
  const lines = [`| property | ${columns.join(' | ')} |`, `|${'---|'.repeat(columns.length + 1)}`, ...rows]
  return `# The semantics matrix\n\n${summaryOf(results)}\n\n${lines.join('\n')}\n`
}
