/** A lock in a word of shared memory; native/memory-lock.c says how it outlives its holder. */
import { checkThread, type ErrorContext, IpcError, systemError } from '../core/errors.js'
import { native } from '../native/lock.js'
import { Waiter } from '../native/waiter.js'
import type { Exclusion } from './exclusion.js'
import { SharedMemory } from './shared-memory-buffer.js'

export function openMemoryLock(memory: unknown, word: number): { exclusion: Exclusion; errors: ErrorContext; memory: SharedMemory } {
  if (!(memory instanceof SharedMemory)) throw new TypeError('memory must be what openSharedMemory answered')
  const errors: ErrorContext = { address: `/dev/shm/${memory.token.name} word ${word}` }
  return { exclusion: new MemoryLock(memory, word, errors), errors, memory }
}

class MemoryLock implements Exclusion {
  readonly syscall = 'futex'
  readonly startedWaiter: Waiter
  readonly #memory: SharedMemory
  readonly #word: number
  readonly #errors: ErrorContext
  #done: () => void = () => {}

  constructor(memory: SharedMemory, word: number, errors: ErrorContext) {
    this.#memory = memory
    this.#word = word
    this.#errors = errors
    const { mapping, offset } = memory.locate(word)
    this.startedWaiter = new Waiter(checkThread(native.memoryLockOpen(mapping, offset), errors), () => this.#done())
    this.startedWaiter.waitSync(-1)
    const registered = this.startedWaiter.take()
    if (registered === 0) return
    this.startedWaiter.close()
    throw systemError(registered, 'set_robust_list', errors)
  }

  take(): number {
    return native.memoryLockTake(this.startedWaiter.handle)
  }

  wanted(): boolean {
    return native.memoryLockWanted(this.startedWaiter.handle) === 1
  }

  waiter(done: () => void): Waiter {
    this.#done = done
    return this.startedWaiter
  }

  enter(taken: number): boolean {
    try {
      this.#memory.locate(this.#word) // throws where the memory was taken away
    } catch (error) {
      this.giveBack(taken)
      throw error
    }
    return taken === 1
  }

  leave(): void {
    if (this.#give(0) < 0)
      throw new IpcError('ERR_IPC_PROTOCOL', 'another process has written to the word of the lock while it was held', this.#errors)
  }

  giveBack(taken: number): void {
    this.#give(taken)
  }

  close(): void {
    this.startedWaiter.close()
  }

  #give(died: number): number {
    return native.memoryLockGive(this.startedWaiter.handle, died)
  }
}
