/** All cells: a few side by side, and those that use up a limit of the user one by one. */

import { Company } from '../stage/company.js'
import { properties } from './properties/index.js'
import type { Property } from './properties/property.js'
import { type CellResult, runCell } from './run-cell.js'
import { subjects } from './subjects/index.js'
import type { Subject } from './subjects/subject.js'

export interface Cell {
  readonly property: Property
  readonly subject: Subject
}

/** In the order of the matrix. */
export const allCells = (): readonly Cell[] => properties.flatMap((property) => subjects.map((subject) => ({ property, subject })))

export interface MatrixOptions {
  readonly cells?: readonly Cell[]
  readonly onResult?: (result: CellResult, done: number, total: number) => void
  /** Ends the run early: what ran is answered, and nothing stays behind. */
  readonly signal?: AbortSignal
}

const LANES = 3

/** Answers the results in the order of `cells`. */
export async function runMatrix({ cells = allCells(), onResult, signal }: MatrixOptions = {}): Promise<readonly CellResult[]> {
  const company = await Company.gather()
  const results = new Map<Cell, CellResult>()
  const run = async (cell: Cell) => {
    const result = await runCell(cell.property, cell.subject, { company, ...(signal === undefined ? {} : { signal }) })
    results.set(cell, result)
    onResult?.(result, results.size, cells.length)
  }
  const lane = async (waiting: Cell[]) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(next)
  }
  const isAlone = ({ property, subject }: Cell) => property.alone?.includes(subject.key) === true
  const together = cells.filter((cell) => !isAlone(cell))
  try {
    // Each lane has cleared its stage when all of this has settled.
    const ends = await Promise.allSettled(Array.from({ length: LANES }, () => lane(together)))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    await lane(cells.filter(isAlone))
  } catch (error) {
    if (signal?.aborted !== true) throw error
  } finally {
    await company.close()
  }
  return cells.flatMap((cell) => results.get(cell) ?? [])
}
