/** The measuring side of each workload: it starts the other side, or sides, and runs rounds. */
import type { Run } from './exchange.js'
import type { TimeHistogram } from './histogram.js'
import type { Order } from './order.js'
import type { Farewell } from './protocol.js'
import type { Workload } from './record.js'

export interface Side {
  /** The other processes whose cost counts; undefined where they are gone before it can be read. */
  readonly others: readonly number[] | undefined
  readonly batch: number
  run(durationMs: number): Promise<Run>
  /** After a run that warmed up: its times are forgotten. */
  warmedUp(run: Run): void
  /** Over all runs, of a workload that times. */
  times(): TimeHistogram | undefined
  /** What is told at the end beside the times. */
  remarks?(): Omit<Farewell, 'histogram'>
  /** Ends the other side. */
  close(): Promise<void>
}

/** Each in a file of its own, loaded by the process that needs it. */
const SIDES: Record<Workload, () => Promise<{ start(order: Order): Promise<Side> }>> = {
  'round-trip': () => import('./sides/exchange.js'),
  throughput: () => import('./sides/exchange.js'),
  gathered: () => import('./sides/exchange.js'),
  'one-way': () => import('./sides/exchange.js'),
  'fan-in': () => import('./sides/fan-in.js'),
  rendezvous: () => import('./sides/rendezvous.js'),
  idle: () => import('./sides/idle.js'),
  wrapper: () => import('./sides/wrapper.js'),
}

export const startSide = async (order: Order): Promise<Side> => (await SIDES[order.trial.workload]()).start(order)
