/** What the driver tells the two sides of a trial, and how they tell it what became of it. */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Durations, Trial } from './plan.js'
import type { Processors } from './record.js'

export interface Order extends Durations {
  readonly trial: Trial
  readonly processors: Processors
  /** The module of the other side, as a URL. */
  readonly echo: string
  /** Milliseconds after which a side that still runs kills its process. */
  readonly limitMs: number
}

/** The descriptor on which the measuring side writes its `Measurement`, as JSON. */
export const RESULT_FD = 3
/** What a line on standard error begins with that says why the trial failed. */
export const FAILURE = 'bench: '

const STDERR = 2

export const orderOf = (argv: readonly string[]): Order => JSON.parse(argv[2] ?? 'null') as Order

/**
 * Ends this process after `limitMs`, even while its main thread blocks and its driver is dead: nothing of
 * a trial outlives it.
 */
export function armWatchdog(limitMs: number): void {
  new Worker(`setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${Math.ceil(limitMs)})`, { eval: true }).unref()
}

/** Says why and ends the process, whatever else still waits in it. */
export function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  writeSync(STDERR, `${FAILURE}${message.replaceAll('\n', ' ')}\n`)
  process.exit(1)
}
