/** Trying before a wait, where that pays. */
import { availableParallelism } from 'node:os'

const TRIES = 4
/** After tries for nothing so many waits begin without, doubling each time. */
const LONGEST_PAUSE = 64

/**
 * Tells a stream, in which the next message is there or just being sent, from a conversation, in which each must be
 * waited for. In a stream a thread that goes to sleep costs both sides a wake-up; in a conversation a try is a system
 * call in vain, so only one wait in many begins with one.
 */
export class Streak {
  readonly #attempt: (target: Uint8Array) => number
  readonly #nothing: number
  #streaming = false
  #pause = 0
  #nextPause = 1
  #most: number | undefined

  /** `attempt` does not wait; it answers `nothing` where there is no message. */
  constructor(attempt: (target: Uint8Array) => number, nothing: number) {
    this.#attempt = attempt
    this.#nothing = nothing
  }

  /** What an attempt answered; `nothing` where it is time to wait. */
  try(target: Uint8Array): number {
    if (!this.#streaming && this.#pause > 0) {
      this.#pause--
      return this.#nothing
    }
    for (let left = this.#tries(); left > 0; left--) {
      const answer = this.#attempt(target)
      if (answer === this.#nothing) continue
      this.#streaming = true
      this.#nextPause = 1
      return answer
    }
    this.#streaming = false
    this.#pause = this.#nextPause
    this.#nextPause = Math.min(2 * this.#nextPause, LONGEST_PAUSE)
    return this.#nothing
  }

  /** On one processor nobody sends meanwhile. */
  #tries(): number {
    if (!this.#streaming) return 1
    this.#most ??= availableParallelism() > 1 ? TRIES : 1
    return this.#most
  }
}
