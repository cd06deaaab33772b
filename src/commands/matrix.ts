import { type CellResult, host, runMatrix } from '../matrix/index.js'
import { MATRIX_VERSION, type MatrixReport } from '../report/matrix.js'
import { renderMatrixTerminal } from '../report/matrix-terminal.js'
import { writeMatrix } from '../report/write.js'
import { coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { selectCells } from './matrix-cells.js'
import { painted } from './matrix-words.js'
import { startProgress } from './progress.js'
import { checkFolder, short } from './report-folder.js'

interface Options {
  folder: string
  json?: boolean
}

/** Runs the matrix, or the rows and columns that `names` name; prints a grid and writes it. Exit status 1 where a cell differs or failed. */
export async function matrix(names: readonly string[], options: Options): Promise<number> {
  const cells = selectCells(names)
  checkFolder(options.folder)
  const progress = startProgress()
  const started = performance.now()
  const results = new Map<string, CellResult>()
  const publish = () => {
    progress.stop()
    const report: MatrixReport = {
      version: MATRIX_VERSION,
      createdAt: new Date().toISOString(),
      partial: results.size < cells.length,
      host: host(),
      cells: cells.flatMap((cell) => results.get(placeOf(cell.property.id, cell.subject.key)) ?? []),
    }
    const written = writeMatrix(report, options.folder)
    if (options.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else {
      const paint = coloursFor(process.stdout)
      process.stdout.write(renderMatrixTerminal(report, (verdict, text) => painted(verdict, text, paint), process.stdout.columns))
    }
    console.error(`${short(written.html)}#matrix, ${short(written.markdown)}, ${short(written.json)}`)
  }
  await interruptible(async (signal) => {
    try {
      await runMatrix({
        cells,
        signal,
        onResult: (result, done, total) => {
          results.set(placeOf(result.property, result.subject), result)
          const left = ((performance.now() - started) / done) * (total - done)
          progress.update(done / total, left, result.title)
        },
      })
    } finally {
      publish()
    }
  })
  return [...results.values()].some(({ verdict }) => verdict === 'differs' || verdict === 'failed') ? 1 : 0
}

const placeOf = (property: string, subject: string): string => `${property} ${subject}`
