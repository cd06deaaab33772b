/**
 * A POSIX named semaphore. sem_overview(7)
 *
 * sem_getvalue(3) tells the count and nothing tells what it began with. So whoever makes one writes that behind the
 * semaphore into the file that glibc keeps it in: "IPCN" and the permits, a 32-bit integer in the machine's byte
 * order. Other programs do not see it. The file is made under a name of its own, then linked, so that it is
 * complete from its first moment on. One that another program has made has no such mark, and nothing is compared.
 */
import { constants as system } from 'node:os'
import { openOrMake } from '../core/create.js'
import { check, type ErrorContext, systemError } from '../core/errors.js'
import { findSemaphore, MAX_NAME, makeSemaphore, type NamedSemaphore, removeName } from '../core/posix-semaphore.js'
import { checkOptions } from '../core/wait.js'
import { native } from '../native/semaphore.js'
import { checkGivenBack, differentPermits, type Opening, TakingThread, type Tokens, taken, tokenError } from './tokens.js'

const { EEXIST, ENOENT } = system.errno
/** "IPCN" as bytes on a little-endian machine. */
const MAGIC = 0x4e435049

export { MAX_NAME }
/** SEM_VALUE_MAX. */
export const MOST_PERMITS = 2 ** 31 - 1

export async function openPosixTokens(opening: Opening): Promise<Tokens> {
  checkOptions(opening)
  const { create, permits, mode, errors } = opening
  const name = `/${opening.name}`
  let semaphore: NamedSemaphore | undefined
  const { result } = openOrMake(
    { create, unlink: 'never' },
    () => {
      semaphore = findSemaphore(name, errors)
      return semaphore?.handle ?? -ENOENT
    },
    () => {
      semaphore = makeSemaphore(name, { permits, mode, mark: Uint32Array.of(MAGIC, permits) }, errors)
      return { result: semaphore?.handle ?? -EEXIST, tracked: undefined }
    },
  )
  if (result === -ENOENT) throw systemError(result, 'sem_open', errors, "no semaphore has this name; pass create: 'if-missing' to make it")
  const handle = check(result, 'sem_open', errors)
  const [magic, began] = semaphore?.mark ?? []
  if (magic === MAGIC && began !== undefined && began !== permits) {
    native.semClose(handle)
    throw differentPermits(began, permits, errors)
  }
  return new PosixTokens(handle, name, semaphore?.inode, errors)
}

class PosixTokens implements Tokens {
  readonly crashSafe = false
  readonly #semaphore: number
  readonly #name: string
  readonly #inode: number | undefined
  readonly #thread: TakingThread
  readonly #errors: ErrorContext

  constructor(semaphore: number, name: string, inode: number | undefined, errors: ErrorContext) {
    this.#semaphore = semaphore
    this.#name = name
    this.#inode = inode
    this.#errors = errors
    this.#thread = new TakingThread(() => native.semWaiter(semaphore, 0), 'sem_wait', errors)
  }

  tryTake(): boolean {
    return taken(native.semTryWait(this.#semaphore), 'sem_trywait', this.#errors)
  }

  takeSync(timeoutMs: number): boolean {
    return taken(native.semWait(this.#semaphore, timeoutMs), 'sem_clockwait', this.#errors)
  }

  startTaking(ended: (error?: unknown) => void): void {
    this.#thread.start(ended)
  }

  stopTaking(): boolean {
    return this.#thread.stop()
  }

  giveBack(): void {
    checkGivenBack(native.semPost(this.#semaphore), 'sem_post', this.#errors)
  }

  post(count: number): void {
    for (let posted = 0; posted < count; posted++) {
      const result = native.semPost(this.#semaphore)
      if (result < 0) throw tokenError(result, 'sem_post', this.#errors)
    }
  }

  unlink(): void {
    const result = removeName(this.#name, this.#inode)
    if (result < 0 && result !== -ENOENT) throw systemError(result, 'sem_unlink', this.#errors)
  }

  close(): void {
    this.#thread.close()
    native.semClose(this.#semaphore)
  }
}
