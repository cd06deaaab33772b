/** One word, which is sent and known again. */
import type { Outcome } from '../../stage/call.js'
import { MemoryEnd } from '../subjects/memory.js'
import type { End } from '../subjects/subject.js'

export interface Received {
  readonly outcome: Outcome
  /** It is the word, or an event of what carries no bytes. */
  readonly arrived: boolean
}

/** One receive. Of memory as much as the word is long; else with room for any message. */
export async function receive(end: End, word: string): Promise<Received> {
  const outcome = await end.actor.do(end.receive(end instanceof MemoryEnd ? word.length : undefined))
  return { outcome, arrived: outcome.error === undefined && (outcome.each.length === 0 || outcome.text === word) }
}
