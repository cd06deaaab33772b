import { modelOf } from '../report/model.js'
import { renderTerminal, terminalOptions } from '../report/terminal.js'
import { demoAdapter, runDemo } from './demo.js'
import { interruptible } from './interrupt.js'
import { exitStatusOf, measure } from './measure.js'
import { adaptersNamed } from './names.js'
import { UsageError } from './outcome.js'

/** All of it stays under a minute. */
const BUDGET_MS = 20_000

/** The demo, then the conformance and the figures of what `name` names. */
export async function show(name: string, options: { demo: boolean }): Promise<number> {
  const adapters = await adaptersNamed(name)
  return interruptible(async (signal) => {
    const story = options.demo ? await tell(name, signal) : 0
    signal.throwIfAborted()
    const report = await measure({ adapters, conformance: true, budgetMs: BUDGET_MS, signal })
    process.stdout.write(`\n${renderTerminal(modelOf(report), terminalOptions())}`)
    return Math.max(story, exitStatusOf(report))
  })
}

/** What cannot run here has no story; the table then says why. */
async function tell(name: string, signal: AbortSignal): Promise<number> {
  try {
    return await runDemo(await demoAdapter(name), signal)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.log(error.message)
    return 0
  }
}
