// Puts what is measured and declared into docs/mechanisms/*.md: node scripts/docs.mjs [folder of a report]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fillMechanismPage } from '../dist/src/report/mechanism-page.js'
import { ReportFileError, readMatrix, readReport } from '../dist/src/report/read.js'

const [folder = 'reports/latest'] = process.argv.slice(2)
const PAGES = 'docs/mechanisms'
try {
  const report = readReport(join(folder, 'report.json'))
  const matrix = readMatrix(join(folder, 'matrix.json'))
  for (const file of readdirSync(PAGES)) {
    const path = join(PAGES, file)
    writeFileSync(path, fillMechanismPage(readFileSync(path, 'utf8'), basename(file, '.md'), report, matrix))
    console.log(path)
  }
} catch (error) {
  if (!(error instanceof ReportFileError)) throw error
  console.error(`${error.message} (make bench and make matrix write them)`)
  process.exit(2)
}
