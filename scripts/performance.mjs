// Writes docs/performance.md from the latest report: node scripts/performance.mjs [report.json]
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { renderPerformance } from '../dist/src/report/performance.js'
import { ReportFileError, readReport } from '../dist/src/report/read.js'

const [path = 'reports/latest/report.json'] = process.argv.slice(2)
const NOTES = 'docs/performance-notes.md'
const PAGE = 'docs/performance.md'
try {
  const notes = existsSync(NOTES) ? readFileSync(NOTES, 'utf8') : ''
  writeFileSync(PAGE, renderPerformance(readReport(path), notes))
  console.log(`${PAGE}, from ${path}`)
} catch (error) {
  if (!(error instanceof ReportFileError)) throw error
  console.error(`${error.message} (make bench writes one)`)
  process.exit(2)
}
