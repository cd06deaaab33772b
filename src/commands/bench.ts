import { modelOf } from '../report/model.js'
import { renderTerminal, terminalOptions } from '../report/terminal.js'
import { interruptible } from './interrupt.js'
import { budgetOf, exitStatusOf, measure } from './measure.js'
import { selectAdapters } from './names.js'

/** Prints the figures; when interrupted, those measured until then. */
export async function bench(names: string[], options: { budget: string; json?: boolean }): Promise<number> {
  const budgetMs = budgetOf(options.budget)
  const adapters = await selectAdapters(names)
  return interruptible(async (signal) => {
    const report = await measure({ adapters, conformance: false, budgetMs, signal })
    process.stdout.write(
      options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : renderTerminal(modelOf(report), terminalOptions()),
    )
    return exitStatusOf(report)
  })
}
