/** A column of the matrix: how two processes come to share the mechanism, and how each uses its end. */
import type { Actor } from '../../stage/actor.js'
import type { Call, Outcome, Payload } from '../../stage/call.js'
import type { Stage } from '../../stage/stage.js'
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
  /** An object under a name that nothing has yet; only of what unrelated processes find by a path, a /name or a key. */
  named?(stage: Stage): Promise<NamedObject>
}

/** What stays where nobody holds it, until its name is removed. */
export interface NamedObject {
  /** A path, a name of POSIX, a key of System V. */
  readonly name: string | number
  /** Makes it and lets go of it. `exclusively`: fails where there is one. The outcome is that of the call that decides. */
  make(actor: Actor, exclusively: boolean): Promise<Outcome>
  /** Opens the one there is, and lets go of it: whether it is found. */
  find(actor: Actor): Promise<Outcome>
  /** Opens the one there is, to send and to receive. */
  open(actor: Actor): Promise<End>
  remove(actor: Actor): Promise<Outcome>
}

/** An object of the subject under a new name. */
export async function newObject(stage: Stage, { title, named }: Subject): Promise<NamedObject> {
  if (named === undefined) throw new TypeError(`${title} has no names`)
  return named(stage)
}

/** The outcome of a call that opens something; what it opened is let go by `closing`. */
export async function opened(actor: Actor, opening: Call, closing: (handle: number) => Call): Promise<Outcome> {
  const outcome = await actor.do(opening)
  if (outcome.error === undefined) await actor.must(closing(outcome.result))
  return outcome
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
