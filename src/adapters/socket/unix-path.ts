/** Binding a unix socket to a path: exclusive, past a stale one, and never over a living one. unix(7) */
import { randomBytes } from 'node:crypto'
import { chmodSync, fchmodSync, constants as fs, lstatSync } from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { checkPath, pathOf, pathUrl } from '../../core/address.js'
import { check, type ErrorContext, systemError } from '../../core/errors.js'
import { fileKind, runFolder, type Tracked, trackNew } from '../../core/janitor.js'
import { AF_UNIX, native, SOCK_DGRAM, SOCK_STREAM } from './native.js'

const { EADDRINUSE, EBUSY, ECONNREFUSED, EAGAIN, ENOENT } = constants.errno
const NO_STALE = "nothing has this path; a receiver makes it with create: 'exclusive' or 'if-missing'"
const LOCK_EX = 2
const LOCK_RETRY_MS = 2
/** sun_path has 108 bytes, one of them the end mark. */
export const MAX_PATH = 107

/** The name of a bound socket: `remove` takes it away if it is still this socket's. An abstract one goes by itself. */
export type BoundPath = Pick<Tracked, 'remove' | 'forget'>
const ABSTRACT: BoundPath = { remove() {}, forget() {} }

/**
 * Binds `fd` to `path` (a path that begins with '@' is abstract) with `mode`. A stale path gives way
 * unless `replaceStale` is false.
 */
export async function bindPath(
  fd: number,
  path: string,
  mode: number,
  type: number,
  errors: ErrorContext,
  replaceStale = true,
): Promise<BoundPath> {
  if (path.startsWith('@')) {
    check(native.socketBind(fd, AF_UNIX, path, 0), 'bind', errors)
    return ABSTRACT
  }
  // bind(2) gives the path this mode less the umask, so it is at no time open to more than was asked for.
  fchmodSync(fd, mode)
  const bind = () => trackNew(fileKind, resolve(path), () => native.socketBind(fd, AF_UNIX, path, 0))
  const { result, tracked } = replaceStale ? await bindInTurn(path, type, errors, bind) : bind()
  check(result, 'bind', errors)
  const bound = tracked as Tracked
  try {
    chmodSync(path, mode)
  } catch (error) {
    bound.remove()
    throw error
  }
  return bound
}

/**
 * Binds, past a stale path if need be. One after the other, by a lock on the run folder: a path whose bind(2) is under
 * way looks stale for a moment, and neither of two may remove what the other has just made.
 */
async function bindInTurn<T extends { readonly result: number }>(
  path: string,
  type: number,
  errors: ErrorContext,
  bind: () => T,
): Promise<T> {
  const folder = check(native.fdOpen(runFolder(), fs.O_DIRECTORY, 0), 'open', errors)
  try {
    for (;;) {
      const locked = native.fdFlock(folder, LOCK_EX)
      if (locked >= 0) break
      if (locked !== -EAGAIN) throw systemError(locked, 'flock', errors)
      // Held for some system calls, never longer.
      await new Promise((settle) => setTimeout(settle, LOCK_RETRY_MS))
    }
    const bound = bind()
    if (bound.result !== -EADDRINUSE) return bound
    removeStale(path, type)
    return bind()
  } finally {
    native.fdClose(folder)
  }
}

function removeStale(path: string, type: number): void {
  const identity = fileKind.identity(path)
  if (identity === undefined || !lstatSync(path).isSocket() || !isStale(path, type)) return
  if (fileKind.identity(path) === identity) fileKind.remove(path)
}

/** Throws unless a dead process left `path`: ERR_IPC_NOT_FOUND, or ERR_IPC_BUSY where its socket lives. */
export function requireStale(path: string, type: number, errors: ErrorContext): void {
  if (path.startsWith('@') || fileKind.identity(path) === undefined) throw systemError(ENOENT, 'bind', errors, NO_STALE)
  if (!isStale(path, type)) throw systemError(EBUSY, 'bind', errors, 'another receiver has this path')
}

/**
 * Whether the socket behind a path is gone. The probe has another type: a living socket answers
 * EPROTOTYPE and notices nothing, where a connection would yield it a peer.
 */
function isStale(path: string, type: number): boolean {
  const probe = native.socketOpen(AF_UNIX, type === SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM, 0)
  if (probe < 0) throw systemError(probe, 'socket')
  const result = native.socketConnect(probe, AF_UNIX, path, 0)
  native.fdClose(probe)
  return result === -ECONNREFUSED
}

/** `/@name` in a URL is the abstract name `@name`. */
export function unixPathOf(url: URL): string {
  const path = pathOf(url)
  return path.startsWith('/@') ? path.slice(1) : path
}

export const unixUrl = (scheme: string, path: string): string => {
  checkPath(path, MAX_PATH)
  return path.startsWith('@') ? `${scheme}:///${encodeURIComponent(path)}` : pathUrl(scheme, path)
}

/** A fresh path in a private folder. */
export const temporaryPath = (folder: string): string => join(folder, `${randomBytes(6).toString('hex')}.sock`)
