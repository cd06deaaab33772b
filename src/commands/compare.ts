import { compareReports, isRegression } from '../report/compare.js'
import { renderComparison } from '../report/comparison-text.js'
import type { Report } from '../report/model.js'
import { ReportFileError, readReport } from '../report/read.js'
import { UsageError } from './outcome.js'

/** The report to compare with. What is wrong with the file is wrong use, and said before anything is measured. */
export function baseline(path: string): Report {
  try {
    return readReport(path)
  } catch (error) {
    throw error instanceof ReportFileError ? new UsageError(error.message) : error
  }
}

/** Says what changed, beside the data where standard output is data: 1 where something became worse, else 0. */
export function printComparison(from: Report, to: Report, data?: boolean): number {
  const comparison = compareReports(from, to)
  const stream = data === true ? process.stderr : process.stdout
  stream.write(`\n${renderComparison(comparison)}`)
  return isRegression(comparison) ? 1 : 0
}

/** What changed from one report.json to another. */
export async function compare(from: string, to: string, options: { json?: true } = {}): Promise<number> {
  const comparison = compareReports(baseline(from), baseline(to))
  process.stdout.write(options.json === true ? `${JSON.stringify(comparison, undefined, 2)}\n` : renderComparison(comparison))
  return isRegression(comparison) ? 1 : 0
}
