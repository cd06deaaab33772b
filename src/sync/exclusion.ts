/** What a mutex supplies of its own: something that one holder at a time has, in all processes. */
import type { Waiter } from '../native/waiter.js'

export interface Exclusion {
  /**
   * Takes it without waiting, also past others who wait: a number >= 0, or -errno; -EAGAIN where it is held.
   * Then comes `enter` or `giveBack`.
   */
  take(): number
  /** Whether somebody else waits for it. */
  wanted(): boolean
  /** The thread that takes it, started while somebody here waits; `done` as for `Waiter`. @throws where there can be no thread */
  waiter(done: () => void): Waiter
  /** The thread, if there is one. */
  readonly startedWaiter: Waiter | undefined
  /** The system call that takes it, for errors. */
  readonly syscall: string
  /**
   * Enters with what `take` or the waiter obtained: whether the last holder died, or undefined where it turned out to
   * be the lock of something that is gone, so that it must be taken once more. @throws where it was given back
   */
  enter(taken: number): boolean | undefined
  /** Leaves, and gives it to whoever waits. @throws where it was not in order, after it was given */
  leave(): void
  /** Gives back what was obtained and not entered, as if it had not been taken. Throws nothing. */
  giveBack(taken: number): void
  /** Releases everything. Who is still in it counts as dead. */
  close(): void
}
