/** What a run of the semantics matrix leaves: `matrix.json`, from which its other forms are made. Pure. */
import type { Host } from '../matrix/host.js'
import type { CellResult, Verdict } from '../matrix/run-cell.js'
import { SYMBOLS, VERDICTS } from './matrix-words.js'
import { groupBy } from './model.js'

export const MATRIX_VERSION = 1

export interface MatrixReport {
  readonly version: typeof MATRIX_VERSION
  /** ISO 8601. */
  readonly createdAt: string
  /** The run was ended before every cell had been tried. */
  readonly partial: boolean
  readonly host: Host
  /** In the order of the matrix. */
  readonly cells: readonly CellResult[]
}

/** Every verdict, each counted apart. */
export function countsOf(cells: readonly CellResult[]): readonly { readonly verdict: Verdict; readonly count: number }[] {
  return (Object.keys(SYMBOLS) as Verdict[]).map((verdict) => ({
    verdict,
    count: cells.filter((cell) => cell.verdict === verdict).length,
  }))
}

/** `✓ 100 as the documents say   ✗ 0 differs from the documents …` */
export const summaryOf = (cells: readonly CellResult[]): string =>
  countsOf(cells)
    .map(({ verdict, count }) => `${SYMBOLS[verdict]} ${count} ${VERDICTS[verdict]}`)
    .join('   ')

/** One property: its cells by subject. */
export interface MatrixRow {
  readonly property: string
  readonly name: string
  readonly title: string
  readonly group: string
  readonly cells: ReadonlyMap<string, CellResult>
}

export interface Grid {
  /** Subjects with their adapter. */
  readonly columns: readonly { readonly subject: string; readonly adapter: string }[]
  readonly rows: readonly MatrixRow[]
}

/** Columns stand in the order in which the cells name them. */
export function gridOf(cells: readonly CellResult[]): Grid {
  const adapters = new Map<string, string>(cells.map(({ subject, adapter }) => [subject, adapter]))
  const columns = [...adapters].map(([subject, adapter]) => ({ subject, adapter }))
  const rows = [...groupBy(cells, ({ property }) => property)].map(([property, own]) => ({
    property,
    name: own[0]?.name ?? '',
    title: own[0]?.title ?? '',
    group: own[0]?.group ?? '',
    cells: new Map(own.map((cell) => [cell.subject as string, cell])),
  }))
  return { columns, rows }
}

/** What a cell says in a table: what was seen, else nothing. */
export const seenIn = (cell: CellResult): string => (cell.verdict === 'not-applicable' ? '' : (cell.observation?.value ?? ''))

/** Cells that a reader must hear of, with why. */
export const remarkable = (cells: readonly CellResult[]): readonly CellResult[] =>
  cells.filter(({ verdict }) => verdict === 'differs' || verdict === 'failed' || verdict === 'skipped')
