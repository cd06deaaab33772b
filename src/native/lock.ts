/** Locks that the death of their holder releases. */
import { symbols } from './index.js'

interface LockNative {
  /** 0, or -EAGAIN where another holds it. */
  fileLockTake(fd: number): number
  /** 1 where another waits for it. */
  fileLockWanted(fd: number): number
  fileLockGive(fd: number): number
  /** A waiter that takes it, to be closed before the descriptor. */
  fileLockWaiterOpen(fd: number): number
  /** A waiter that takes it; its first wait is over at once and comes before anything else. */
  memoryLockOpen(mapping: number, offset: number): number
  /** 0, 1 where its last holder died, or -EAGAIN where it is held. */
  memoryLockTake(waiter: number): number
  memoryLockWanted(waiter: number): number
  /** `died` of 1 leaves the mark of a dead holder. -EPERM where the word says that another holds it. */
  memoryLockGive(waiter: number, died: number): number
}

export const native = symbols<LockNative>()
