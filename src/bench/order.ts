/** What the driver tells the two sides of a trial, and how a side says that it failed. */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { FAILURE } from './protocol.js'
import type { Processors } from './record.js'
import type { Trial } from './trial.js'

export interface Order {
  readonly trial: Trial
  readonly processors: Processors
  readonly warmupMs: number
  /** The module of the other side, as a URL. */
  readonly echo: string
  /** Milliseconds after which a side that still runs kills its process. */
  readonly limitMs: number
  /** Of so many messages the receiving side counts and tells the garbage, once it is warm. */
  readonly garbageOf?: number
}

const STDERR = 2

export const orderOf = (argv: readonly string[]): Order => JSON.parse(argv[2] ?? 'null') as Order

const LOOK_MS = 500

/**
 * Ends this process after `limitMs`, and when the process that started it has ended, even while its main
 * thread blocks: nothing of a trial outlives it. Where it is timed how long a process takes to be there, it
 * never blocks and shall not start a thread first.
 */
export function armWatchdog({ limitMs, trial }: Order): void {
  const ms = Math.ceil(limitMs)
  if (trial.workload === 'rendezvous') setTimeout(() => process.kill(process.pid, 'SIGKILL'), ms).unref()
  else new Worker(watchdog(ms, process.ppid), { eval: true }).unref()
}

const watchdog = (ms: number, parent: number): string => `
  const end = () => process.kill(process.pid, 'SIGKILL')
  setTimeout(end, ${ms})
  setInterval(() => process.ppid === ${parent} || end(), ${LOOK_MS})
`

/** Says why and ends the process, whatever else still waits in it. */
export function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  writeSync(STDERR, `${FAILURE}${message.replaceAll('\n', ' ')}\n`)
  process.exit(1)
}
