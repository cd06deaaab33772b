/**
 * A lock file: FILE.lock, beside the FILE that it guards.
 *
 * Its byte 0 is locked by an open file description (F_OFD_SETLK, fcntl_locking(2)) while somebody holds the mutex; a
 * lock of a process (F_SETLK) excludes it too. Its text is "ipc-playground lock 1 held\n", or "free" instead of "held",
 * or nothing before the first time. A holder writes "held" before it begins and "free" when it is done, both with
 * the lock; who takes the lock and reads "held" knows that the last holder has died. Byte 1 is locked for reading by who waits.
 */
import { constants, fchmodSync, fstatSync, readSync, statfsSync, writeSync } from 'node:fs'
import { constants as os } from 'node:os'
import { dirname, resolve } from 'node:path'
import { checkPath } from '../core/address.js'
import { openOrMake } from '../core/create.js'
import { asIpcError, check, checkThread, creationError, type ErrorContext, IpcError, unavailable } from '../core/errors.js'
import { addonError, native } from '../native/index.js'
import { native as lock } from '../native/lock.js'
import { Waiter } from '../native/waiter.js'
import type { Exclusion } from './exclusion.js'

const SUFFIX = '.lock'
const PATH_MAX = 4095 - SUFFIX.length
const MODE = 0o600
const TITLE = 'ipc-playground lock 1 '
const text = (state: 'free' | 'held') => new TextEncoder().encode(`${TITLE}${state}\n`)
const FREE = text('free')
const HELD = text('held')
const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
const { EROFS, ELOOP, EISDIR, ENXIO } = os.errno

/** File systems that other machines or programs serve, by statfs(2)'s `f_type`: who holds a lock there, nobody here can vouch for. */
const SERVED = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
])

/** The name of a file system that is no place for a lock; undefined for all others. */
export const servedFileSystem = (type: number): string | undefined => SERVED.get(type >>> 0)

export function openFileLock(file: string): { exclusion: Exclusion; errors: ErrorContext } {
  const path = `${resolve(checkPath(file, PATH_MAX))}${SUFFIX}`
  const errors: ErrorContext = { address: path }
  if (addonError !== undefined) throw unavailable(addonError, errors)
  return { exclusion: new FileLock(path, errors), errors }
}

class FileLock implements Exclusion {
  readonly syscall = 'fcntl'
  startedWaiter: Waiter | undefined
  readonly #path: string
  readonly #errors: ErrorContext
  readonly #record = new Uint8Array(HELD.length + 1)
  #fd: number

  constructor(path: string, errors: ErrorContext) {
    this.#path = path
    this.#errors = errors
    this.#fd = openLockFile(path, errors)
    try {
      this.#read()
    } catch (error) {
      native.fdClose(this.#fd)
      throw error
    }
  }

  take(): number {
    return lock.fileLockTake(this.#fd)
  }

  wanted(): boolean {
    return lock.fileLockWanted(this.#fd) === 1
  }

  waiter(done: () => void): Waiter {
    this.startedWaiter ??= new Waiter(checkThread(lock.fileLockWaiterOpen(this.#fd), this.#errors), done)
    return this.startedWaiter
  }

  enter(): boolean | undefined {
    try {
      if (fstatSync(this.#fd).nlink === 0) {
        this.#reopen()
        return undefined
      }
      const died = this.#read()
      if (!died) this.#write(HELD)
      return died
    } catch (error) {
      this.giveBack()
      throw asIpcError(error, this.#errors)
    }
  }

  leave(): void {
    try {
      this.#write(FREE)
    } finally {
      this.giveBack()
    }
  }

  giveBack(): void {
    lock.fileLockGive(this.#fd)
  }

  close(): void {
    this.startedWaiter?.close()
    this.startedWaiter = undefined
    native.fdClose(this.#fd)
  }

  /** Somebody removed the lock file: others use another by now. */
  #reopen(): void {
    const fd = openLockFile(this.#path, this.#errors)
    this.close()
    this.#fd = fd
  }

  /** Whether the file says that it is held. */
  #read(): boolean {
    const length = readSync(this.#fd, this.#record, 0, this.#record.length, 0)
    const found = this.#record.subarray(0, length)
    if (length === 0 || Buffer.compare(found, FREE) === 0) return false
    if (Buffer.compare(found, HELD) === 0) return true
    throw new IpcError(
      'ERR_IPC_VERSION',
      'is no lock file of this library; remove it if nobody needs it, or guard another name',
      this.#errors,
    )
  }

  #write(record: Uint8Array): void {
    try {
      writeSync(this.#fd, record, 0, record.length, 0)
    } catch (error) {
      throw asIpcError(error, this.#errors)
    }
  }
}

/** The descriptor of a regular file of ours, made where it is missing. */
function openLockFile(path: string, errors: ErrorContext): number {
  try {
    // Before anything is made there.
    const served = servedFileSystem(statfsSync(dirname(path)).type)
    if (served !== undefined)
      throw unavailable(`lies on ${served}, whose locks may hold elsewhere or not at all; use a local file system`, errors)
    const make = () => ({ result: native.fdOpen(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, MODE), tracked: undefined })
    const open = () => native.fdOpen(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0) // what is there may be a FIFO
    const { result } = openOrMake({ create: 'if-missing', unlink: 'never' }, open, make)
    const other = OTHER.get(-result)
    if (other !== undefined) throw occupied(other, errors)
    check(result, 'open', errors, result === -EROFS ? 'the file system is read-only, and a lock file is written; use another' : undefined)
    try {
      checkFile(result, errors)
    } catch (error) {
      native.fdClose(result)
      throw error
    }
    return result
  } catch (error) {
    throw creationError(error, errors)
  }
}

/** What open(2) answers where something else has the name. */
const OTHER = new Map([
  [ELOOP, 'a symbolic link'],
  [EISDIR, 'a folder'],
  [ENXIO, 'a socket or a device'],
])

const occupied = (what: string, errors: ErrorContext) =>
  new IpcError('ERR_IPC_EXISTS', `is ${what} and no lock file; remove it, or guard another name`, errors)

function checkFile(fd: number, errors: ErrorContext): void {
  const stat = fstatSync(fd)
  if (!stat.isFile()) throw occupied('no regular file', errors)
  if (stat.uid !== process.geteuid?.())
    throw new IpcError('ERR_IPC_PERMISSION', `belongs to user ${stat.uid}, who could hold it for ever; use a folder of your own`, errors)
  if (stat.nlink > 1) throw occupied('a file with another name too', errors)
  if (stat.size === 0) fchmodSync(fd, MODE) // past the umask
}
