/** The side of a trial that measures: a process that the driver starts, and that starts the other side. */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { costBetween, costOf, peakRssOf } from './cost.js'
import { armWatchdog, fail, type Order, orderOf } from './order.js'
import { place } from './placement.js'
import { type Farewell, RESULT_FD, type Ready, type Round, WARMUPS } from './protocol.js'
import { type Side, startSide } from './side.js'

/** What V8 needs to have compiled both sides for good, about; and for how many times the warm-up that is waited. */
const WARM_MESSAGES = 5000

const tell = (line: Ready | Round | Farewell) => void writeSync(RESULT_FD, `${JSON.stringify(line)}\n`)

async function round(side: Side, durationMs: number): Promise<Round> {
  const { others } = side
  const before = others && costOf(others)
  const { count, lost, elapsedMs, p50 } = await side.run(durationMs)
  return {
    count,
    lost,
    elapsedMs,
    batch: side.batch,
    ...(p50 === undefined ? {} : { p50 }),
    ...(before && { ...costBetween(before, costOf(others)), rssBytes: peakRssOf(others) }),
  }
}

/** On a machine that does something else besides, the same time compiles less. */
async function warmUp(side: Side, { trial, warmupMs }: Order): Promise<void> {
  const asFastAsItGoes = ['round-trip', 'throughput', 'gathered'].includes(trial.workload)
  let messages = 0
  for (let i = 0; i < (asFastAsItGoes ? WARMUPS : 1) && messages < WARM_MESSAGES; i++) {
    const run = await side.run(warmupMs)
    messages += run.count
    side.warmedUp(run)
  }
}

const order = orderOf(process.argv)
try {
  place(order.processors.ping)
  armWatchdog(order)
  const side = await startSide(order)
  tell({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ms] = line.split(' ')
    if (word === 'warm') {
      await warmUp(side, order)
      tell({ ready: true })
    } else if (word === 'run') tell(await round(side, Number(ms)))
    else break
  }
  const times = side.times()
  tell({ ...(times && { histogram: times.entries() }), ...side.remarks?.() })
  await side.close()
  process.exit()
} catch (error) {
  fail(error)
}
