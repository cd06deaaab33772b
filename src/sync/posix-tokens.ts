/**
 * A POSIX named semaphore. sem_overview(7)
 *
 * sem_getvalue(3) tells the count and nothing tells what it began with. So whoever makes one writes that behind the
 * semaphore into the file that glibc keeps it in: "IPCN" and the permits, a 32-bit integer in the machine's byte
 * order. Other programs do not see it. The file is made under a name of its own, then linked, so that it is
 * complete from its first moment on. One that another program has made has no such mark, and nothing is compared.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, closeSync, constants, fstatSync, linkSync, openSync, readSync } from 'node:fs'
import { constants as system } from 'node:os'
import { type Opened, openOrMake } from '../core/create.js'
import { check, type ErrorContext, fromNodeError, IpcError, systemError } from '../core/errors.js'
import { fileKind, trackNew } from '../core/janitor.js'
import { fileOf, inodeOf, MAX_NAME, removeName } from '../core/posix-semaphore.js'
import { checkOptions } from '../core/wait.js'
import { native } from '../native/semaphore.js'
import { checkGivenBack, differentPermits, type Opening, TakingThread, type Tokens, taken, tokenError } from './tokens.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY } = constants
const { EEXIST, ENOENT } = system.errno
/** sizeof(sem_t) on the 64-bit machines for which the addon is built. */
const SEM_BYTES = 32
/** "IPCN" as bytes on a little-endian machine. */
const MAGIC = 0x4e435049

export { MAX_NAME }
/** SEM_VALUE_MAX. */
export const MOST_PERMITS = 2 ** 31 - 1

export async function openPosixTokens(opening: Opening): Promise<Tokens> {
  checkOptions(opening)
  const { create, permits, errors } = opening
  const name = `/${opening.name}`
  let file: SemaphoreFile | undefined
  const { result } = openOrMake(
    { create, unlink: 'never' },
    () => {
      for (;;) {
        file = look(name, errors)
        const semaphore = native.semOpen(name, 0, 0, 0)
        if (semaphore < 0 || inodeOf(name) === file?.inode) return semaphore
        native.semClose(semaphore) // there was another one meanwhile
      }
    },
    () => {
      const made = make(name, opening)
      file = made.file
      return made
    },
  )
  if (result === -ENOENT) throw systemError(result, 'sem_open', errors, "no semaphore has this name; pass create: 'if-missing' to make it")
  const semaphore = check(result, 'sem_open', errors)
  if (file?.permits !== undefined && file.permits !== permits) {
    native.semClose(semaphore)
    throw differentPermits(file.permits, permits, errors)
  }
  return new PosixTokens(semaphore, name, file?.inode, errors)
}

interface SemaphoreFile {
  readonly inode: number
  /** What it was made with; undefined where that was not written. */
  readonly permits: number | undefined
}

/** Undefined where there is none. */
function look(name: string, errors: ErrorContext): SemaphoreFile | undefined {
  let fd: number
  try {
    fd = openSync(fileOf(name), O_RDONLY | O_NOFOLLOW)
  } catch (error) {
    const known = fromNodeError(error, errors)
    if (known.errno === -ENOENT) return undefined
    throw known
  }
  try {
    const { ino: inode, size } = fstatSync(fd)
    // sem_open(3) would map it all the same, and the first access raise SIGBUS.
    if (size < SEM_BYTES) throw new IpcError('ERR_IPC_VERSION', `${fileOf(name)} has ${size} bytes, which is no semaphore`, errors)
    const mark = new Uint32Array(2)
    const whole = readSync(fd, mark, 0, mark.byteLength, SEM_BYTES) === mark.byteLength
    return { inode, permits: whole && mark[0] === MAGIC ? mark[1] : undefined }
  } finally {
    closeSync(fd)
  }
}

/** The semaphore, ready; -EEXIST where the name is taken. */
function make(name: string, { permits, mode, errors }: Opening): Opened & { file: SemaphoreFile | undefined } {
  const draft = `/ipc-playground-${randomBytes(8).toString('hex')}`
  const nothing = { tracked: undefined, file: undefined }
  const { result, tracked } = trackNew(fileKind, fileOf(draft), () => native.semOpen(draft, O_CREAT | O_EXCL, 0o600, permits))
  if (tracked === undefined) return { result, ...nothing }
  try {
    appendFileSync(fileOf(draft), new Uint8Array(Uint32Array.of(MAGIC, permits).buffer))
    chmodSync(fileOf(draft), mode) // sem_open(3) obeys the umask
    linkSync(fileOf(draft), fileOf(name))
    return { result, tracked: undefined, file: look(draft, errors) }
  } catch (error) {
    native.semClose(result)
    const known = fromNodeError(error, errors)
    if (known.errno === -EEXIST) return { result: -EEXIST, ...nothing }
    throw known
  } finally {
    tracked.remove()
  }
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
