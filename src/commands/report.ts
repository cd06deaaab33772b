import { basename, relative } from 'node:path'
import { modelOf } from '../report/model.js'
import { renderTerminal, terminalOptions } from '../report/terminal.js'
import { writeReport } from '../report/write.js'
import { interruptible } from './interrupt.js'
import { budgetOf, exitStatusOf, measure } from './measure.js'
import { selectAdapters } from './names.js'

/** Relative to the working folder, where it lies inside. */
const short = (path: string): string => {
  const inside = relative('', path)
  return inside.startsWith('..') ? path : inside
}

/** The main job. When interrupted, what was measured until then is written, marked as partial. */
export async function report(names: string[], options: { folder: string; budget: string; json?: boolean }): Promise<number> {
  const budgetMs = budgetOf(options.budget)
  const adapters = await selectAdapters(names)
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
    return exitStatusOf(result)
  })
}
