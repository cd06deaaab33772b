/**
 * A semaphore in shared memory: `Atomics` while nobody has to sleep, futex(2) when somebody has to.
 *
 * The memory (shared-memory-buffer.ts) has two words: how many of the permits are taken, less what was posted, and
 * how many sleep. The permits stand in its layout tag. So new memory, which is all zeros, is a semaphore that is ready.
 */
import { type ErrorContext, IpcError, isIpcError } from '../core/errors.js'
import { openSharedMemory, type SharedMemoryBuffer } from './shared-memory-buffer.js'
import type { Opening, Tokens } from './tokens.js'

const TAKEN = 0
const SLEEPERS = 1
const BYTES = 8
const PREFIX = 'semaphore.'

/** The name of shared memory has at most 255 bytes. */
export const MAX_NAME = 255 - PREFIX.length
export const MOST_PERMITS = 2 ** 31 - 1

export async function openAtomicsTokens({ name, permits, create, mode, timeout, signal, errors }: Opening): Promise<Tokens> {
  const layout = `semaphore@1, ${permits} permits`
  const memory = await openSharedMemory(PREFIX + name, { create, bytes: BYTES, layout, mode, timeout, signal })
  return new AtomicsTokens(memory, permits, errors)
}

class AtomicsTokens implements Tokens {
  readonly crashSafe = false
  readonly #memory: SharedMemoryBuffer
  readonly #words: Int32Array
  readonly #permits: number
  readonly #errors: ErrorContext
  #asleep: AbortController | undefined

  constructor(memory: SharedMemoryBuffer, permits: number, errors: ErrorContext) {
    this.#memory = memory
    this.#words = new Int32Array(memory.buffer)
    this.#permits = permits
    this.#errors = errors
  }

  tryTake(): boolean {
    for (;;) {
      const taken = Atomics.load(this.#words, TAKEN)
      if (taken >= this.#permits) return false
      if (Atomics.compareExchange(this.#words, TAKEN, taken, taken + 1) === taken) return true
    }
  }

  takeSync(timeoutMs: number): boolean {
    const deadline = timeoutMs < 0 ? undefined : performance.now() + timeoutMs
    Atomics.add(this.#words, SLEEPERS, 1)
    try {
      for (;;) {
        const taken = Atomics.load(this.#words, TAKEN)
        if (this.tryTake()) return true
        const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now())
        if (taken >= this.#permits) this.#memory.waitSync(TAKEN, taken, { timeout: left })
      }
    } catch (error) {
      if (isIpcError(error) && error.code === 'ERR_IPC_TIMEOUT') return this.tryTake()
      throw error
    } finally {
      Atomics.sub(this.#words, SLEEPERS, 1)
    }
  }

  startTaking(ended: (error?: unknown) => void): void {
    const sleep = this.#fallAsleep()
    const untilTaken = async () => {
      for (;;) {
        if (sleep.signal.aborted) return this.#wakeAnother()
        const taken = Atomics.load(this.#words, TAKEN)
        if (this.tryTake()) break
        if (taken >= this.#permits) await this.#memory.wait(TAKEN, taken, { signal: sleep.signal })
      }
      this.#wakeUp()
      ended()
    }
    // Tries once more, for now the others know that somebody sleeps.
    queueMicrotask(() =>
      untilTaken().catch((error) => {
        if (sleep.signal.aborted) return
        this.#wakeUp()
        ended(error)
      }),
    )
  }

  #fallAsleep(): AbortController {
    this.#asleep = new AbortController()
    Atomics.add(this.#words, SLEEPERS, 1)
    return this.#asleep
  }

  #wakeUp(): void {
    if (this.#asleep === undefined) return
    this.#asleep = undefined
    Atomics.sub(this.#words, SLEEPERS, 1)
  }

  stopTaking(): boolean {
    this.#asleep?.abort()
    this.#wakeUp()
    return false
  }

  /** Who gave up may have been the one that was woken. */
  #wakeAnother(): void {
    if (this.#words.length > 0 && Atomics.load(this.#words, TAKEN) < this.#permits) this.#memory.notify(TAKEN, 1)
  }

  giveBack(): void {
    this.#add(1)
  }

  post(count: number): void {
    if (!this.#add(count)) throw new IpcError('ERR_IPC_LIMIT', `the count would pass ${MOST_PERMITS}`, this.#errors)
  }

  #add(count: number): boolean {
    for (;;) {
      const taken = Atomics.load(this.#words, TAKEN)
      if (this.#permits - taken + count > MOST_PERMITS) return false
      if (Atomics.compareExchange(this.#words, TAKEN, taken, taken - count) === taken) break
    }
    if (Atomics.load(this.#words, SLEEPERS) > 0) this.#memory.notify(TAKEN, count)
    return true
  }

  unlink(): void {
    this.#memory.unlink()
  }

  close(): void {
    this.#memory.close()
  }
}
