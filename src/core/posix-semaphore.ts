/** Where the C library keeps a named semaphore. sem_overview(7), "Accessing named semaphores via the filesystem" */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fchmodSync, fstatSync, linkSync, lstatSync, openSync, readSync, writeSync } from 'node:fs'
import { constants as system } from 'node:os'
import { native } from '../native/semaphore.js'
import { type ErrorContext, fromNodeError, IpcError, systemError } from './errors.js'
import { fileKind, trackNew } from './janitor.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const { EEXIST, ENOENT } = system.errno
/** sizeof(sem_t) on the 64-bit machines for which the addon is built. */
const SEM_BYTES = 32
const MARK_WORDS = 2

/** sem_open(3): NAME_MAX less `sem.`. */
export const MAX_NAME = 251

/** glibc keeps the semaphore /NAME as this file. */
export const fileOf = (name: string): string => `/dev/shm/sem.${name.slice(1)}`

/** Undefined where nothing has the name. */
export const inodeOf = (name: string): number | undefined => lstatSync(fileOf(name), { throwIfNoEntry: false })?.ino

/** Removes the name while it is that semaphore's. Of several processes that try, one gets 0. */
export const removeName = (name: string, inode: number | undefined): number =>
  inode === undefined || inodeOf(name) !== inode ? -ENOENT : native.semUnlink(name)

export interface NamedSemaphore {
  readonly handle: number
  readonly inode: number
  /** What its maker wrote behind the semaphore, which other programs do not see; empty where nothing is there. */
  readonly mark: Uint32Array
}

/** Undefined where nothing has the name. */
export function findSemaphore(name: string, errors: ErrorContext): NamedSemaphore | undefined {
  for (;;) {
    const file = look(name, errors)
    const handle = native.semOpen(name)
    if (handle === -ENOENT) return undefined
    if (handle < 0) throw systemError(handle, 'sem_open', errors)
    if (file !== undefined && inodeOf(name) === file.inode) return { handle, ...file }
    native.semClose(handle) // there was another one meanwhile
  }
}

function look(name: string, errors: ErrorContext): { inode: number; mark: Uint32Array } | undefined {
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
    const mark = new Uint32Array(MARK_WORDS)
    const read = readSync(fd, mark, 0, mark.byteLength, SEM_BYTES)
    return { inode, mark: mark.subarray(0, read === mark.byteLength ? MARK_WORDS : 0) }
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes a semaphore that is complete from the first moment of its name; undefined where the name is taken. sem_open(3) goes
 * the same way, but leaves its draft behind where the process is killed meanwhile.
 */
export function makeSemaphore(
  name: string,
  { permits, mode, mark = new Uint32Array() }: { permits: number; mode: number; mark?: Uint32Array },
  errors: ErrorContext,
): NamedSemaphore | undefined {
  const draft = `/ipc-playground-${randomBytes(8).toString('hex')}`
  const image = new Uint8Array(SEM_BYTES)
  const size = native.semImage(image, permits)
  if (size !== SEM_BYTES) throw systemError(size, 'sem_init', errors)
  let handle = -1
  try {
    const { result: fd, tracked } = trackNew(fileKind, fileOf(draft), () =>
      openSync(fileOf(draft), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600),
    )
    try {
      writeSync(fd, image)
      writeSync(fd, mark)
      handle = native.semOpen(draft)
      if (handle < 0) throw systemError(handle, 'sem_open', errors)
      fchmodSync(fd, mode) // last: it may forbid this process, too, to open it
      const inode = fstatSync(fd).ino
      linkSync(fileOf(draft), fileOf(name))
      return { handle, inode, mark }
    } finally {
      closeSync(fd)
      tracked?.remove()
    }
  } catch (error) {
    if (handle >= 0) native.semClose(handle)
    const known = fromNodeError(error, errors)
    if (known.errno === -EEXIST) return undefined
    throw known
  }
}
