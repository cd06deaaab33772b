/** How each pair of a trial is started. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Order } from './order.js'
import type { Command } from './pair.js'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
// dist/src/bench/ -> the package
const FLOORS = join(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))), 'build', 'floor')

/** Milliseconds that C needs to be warm. */
const FLOOR_WARMUP_MS = 50

export const nodeCommand = (order: Order, flags: readonly string[] = []): Command => ({
  file: process.execPath,
  args: [...flags, WORKER, JSON.stringify(order)],
})

/** The C floor's, or why there is none. */
export function floorCommand(order: Order, folder = FLOORS): Command | string {
  const { trial, processors, warmupMs, limitMs } = order
  const file = join(folder, trial.mechanism)
  if (!existsSync(file)) return `${trial.mechanism} has no floor here: \`make floor\` builds them, with a C compiler`
  const words = {
    variant: trial.adapter.slice(trial.mechanism.length + 1),
    workload: trial.workload,
    payload: trial.payloadBytes,
    batch: trial.batchMessages,
    ack: trial.ackBytes,
    wait: trial.wait,
    ping: processors.ping.join(),
    pong: processors.pong.join(),
    warmup: Math.min(FLOOR_WARMUP_MS, warmupMs),
    limit: Math.ceil(limitMs),
    lossy: trial.lossy ? 1 : 0,
    senders: trial.workload === 'fan-in' ? (trial.senders ?? 1) : 0,
  }
  return { file, args: Object.entries(words).map(([word, value]) => `${word}=${value}`) }
}
