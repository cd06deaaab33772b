import { symbols } from '../../native/index.js'

/** sem_overview(7) and, with `semset`, System V sets. Names have their leading slash. Numbers are >= 0, or -errno. */
interface SemaphoreNative {
  semOpen(name: string, flags: number, mode: number, value: number): number
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
  semsetValue(id: number, index: number): number
  /** `operations` are pairs of index and change: all at once, or none. */
  semsetOperate(id: number, operations: Int16Array): number
  semsetWait(id: number, index: number, timeoutMs: number): number
  semsetWaiter(id: number, index: number, forRoom: number): number
}

export const native = symbols<SemaphoreNative>()
