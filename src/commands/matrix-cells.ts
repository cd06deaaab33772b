/** The cells that a user names. */
import { allCells, type Cell, findProperty, findSubject, subjects, unavailable } from '../matrix/index.js'
import { UsageError } from './outcome.js'

/** Properties and mechanisms together are where they cross; no name is all. Throws a UsageError, also where no cell can be tried. */
export function selectCells(names: readonly string[]): readonly Cell[] {
  const reason = unavailable()
  if (reason !== undefined) throw new UsageError(reason)
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
