/** A column of the matrix: how two processes come to share the mechanism, and how each uses its end. */
import type { Actor } from '../stage/actor.js'
import type { Call, Payload } from '../stage/call.js'
import type { Stage } from '../stage/stage.js'
import type { SubjectKey } from '../vocabulary.js'

export interface Subject {
  readonly key: SubjectKey
  /** As the oracle's tables call it. */
  readonly title: string
  /** The adapter over this mechanism. */
  readonly adapter: string
  /** Why no cell of it can run here; undefined where they can. */
  unavailable?(): string | undefined
  /**
   * Two exec-ed processes, `sender` and `receiver`, each with its end, both waiting. They share no ancestor
   * but the stage where the mechanism does not ask for more.
   */
  meet(stage: Stage): Promise<Pair>
}

export interface Pair {
  readonly sender: End
  readonly receiver: End
}

/** One process's use of the mechanism. */
export interface End {
  readonly actor: Actor
  /** A descriptor, where there is one. */
  readonly fd?: number
  /** Of a semaphore and a signal the payload says nothing, of a real-time signal it is one word. */
  send(payload: Payload): Call
  /** `room` bytes are enough for what an experiment sends by default. */
  receive(room?: number): Call
  /** Whether the calls made by `send` and `receive` from now on wait. */
  waits(on: boolean): Promise<void>
  /** Gives the end up, while the process goes on. */
  close(): Promise<void>
}

export const ROOM = 4096
