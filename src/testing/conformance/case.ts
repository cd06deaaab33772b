/** A case of the suite, and what decides whether it concerns an adapter. */
import type { Capabilities } from '../../core/channel.js'
import type { Context } from './context.js'

/** What is known of an adapter before anything runs. */
export interface Subject extends Capabilities {
  /** Both sides are threads of one process: no process can be its peer. */
  readonly threads: boolean
}

/** An ability that a case needs. */
export interface Condition {
  holds(subject: Subject): boolean
  /** Why a case is absent where it does not hold. */
  readonly reason: string
  /** What must be seen where it does not hold, if it can be seen. Checked once a run. */
  absent?(context: Context): Promise<void>
}

export interface Case {
  /** The number of the promise at the head of `core/channel.ts`. */
  readonly promise: number
  readonly title: string
  /** What the adapter must be able to do. The first that does not hold decides. */
  readonly requires?: readonly Condition[]
  /** Uses the run's one long-lived peer, and leaves its channel open and empty. */
  readonly shared?: true
  /** Ends helper processes: it runs when others need them no more. */
  readonly ends?: true
  /** Milliseconds that it may take. Default 10 000. */
  readonly limit?: number
  run(context: Context): Promise<void>
}

/** Thrown by a case that sees, while it runs, that the adapter has no such thing, where no capability says so. */
export class Absent extends Error {}
