import { symbols } from './index.js'

/** sem_overview(7) and, with `semset`, System V sets. Names have their leading slash. Numbers are >= 0, or -errno. */
interface SemaphoreNative {
  semOpen(name: string): number
  /** The bytes of a fresh semaphore that processes share; how many they are. */
  semImage(target: Uint8Array, value: number): number
  semClose(semaphore: number): number
  semUnlink(name: string): number
  semPost(semaphore: number): number
  semTryWait(semaphore: number): number
  semWait(semaphore: number, timeoutMs: number): number
  /** A waiter that takes a token or, with `forRoom` 1, waits until one can be posted. Close it before the semaphore. */
  semWaiter(semaphore: number, forRoom: number): number

  semsetOpen(key: number, count: number, flags: number): number
  semsetRemove(id: number): number
  /** sem_ctime, in seconds. */
  semsetChanged(id: number): number
  semsetSize(id: number): number
  semsetValue(id: number, index: number): number
  /** `operations` are pairs of index and change: all at once, or none. */
  semsetOperate(id: number, operations: Int16Array): number
  semsetWait(id: number, index: number, timeoutMs: number): number
  semsetWaiter(id: number, index: number, forRoom: number): number

  /** Holds what it takes until the end of the process or of the environment, which gives it back: SEM_UNDO. */
  semsetHolder(id: number, index: number): number
  /** Takes one; -EAGAIN after the timeout. 0 never waits, a negative one has no limit. */
  semsetHold(holder: number, timeoutMs: number): number
  semsetGiveBack(holder: number): number
  /** A waiter that takes one. Close it before the holder. */
  semsetHoldWaiter(holder: number): number
  /** Gives back all that it holds. */
  semsetHolderClose(holder: number): number
}

export const native = symbols<SemaphoreNative>()
