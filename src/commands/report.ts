import { basename } from 'node:path'
import { modelOf } from '../report/model.js'
import { renderTerminal, terminalOptions } from '../report/terminal.js'
import { writeReport } from '../report/write.js'
import { baseline, printComparison } from './compare.js'
import { interruptible } from './interrupt.js'
import { exitStatusOf, measure, millisecondsOf } from './measure.js'
import { selectAdapters } from './names.js'
import { checkFolder, short } from './report-folder.js'

/** The main job. When interrupted, what was measured until then is written, marked as partial. */
export async function report(names: string[], options: { folder: string; budget: string; json?: true; compare?: string }): Promise<number> {
  const budgetMs = millisecondsOf('--budget', options.budget)
  const adapters = await selectAdapters(names)
  checkFolder(options.folder)
  const before = options.compare === undefined ? undefined : baseline(options.compare)
  return interruptible(async (signal) => {
    const result = await measure({ adapters, conformance: true, budgetMs, signal })
    const written = writeReport(result, options.folder)
    if (options.json === true) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
    else {
      process.stdout.write(renderTerminal(modelOf(result), { ...terminalOptions(), details: basename(written.markdown) }))
      const { html, markdown, json } = written
      console.log(`
Report: ${short(html)} (open it in a browser), ${short(markdown)}, ${short(json)}
Next:   make socket (a demo, then its rows; any mechanism), make doctor, make help`)
    }
    return Math.max(exitStatusOf(result), before === undefined ? 0 : printComparison(before, result, options.json))
  })
}
