/** Binding a unix socket to a path: exclusive, past a stale one, and never over a living one. unix(7) */
import { chmodSync, lstatSync } from 'node:fs'
import { constants } from 'node:os'
import { checkPath, pathOf, pathUrl } from '../../core/address.js'
import { check, type ErrorContext, systemError } from '../../core/errors.js'
import { fileKind, runFolder, track } from '../../core/janitor.js'
import { AF_UNIX, native } from './native.js'

const { EADDRINUSE, ECONNREFUSED, EAGAIN } = constants.errno
const LOCK_EX = 2
const O_DIRECTORY = 0o200000
/** sun_path has 108 bytes, one of them the end mark. */
export const MAX_PATH = 107

/**
 * Binds `fd` to `path` (a path that begins with '@' is abstract) and gives it `mode`. The function
 * returned removes the name, if it is still this socket's.
 */
export function bindPath(fd: number, path: string, mode: number, type: number, errors: ErrorContext): () => void {
  if (path.startsWith('@')) {
    check(native.socketBind(fd, AF_UNIX, path, 0), 'bind', errors)
    return () => {}
  }
  let result = native.socketBind(fd, AF_UNIX, path, 0)
  if (result === -EADDRINUSE) result = bindOverStale(fd, path, type, errors)
  check(result, 'bind', errors)
  const tracked = track(fileKind, path)
  // Between bind and listen nobody can connect, so nobody slips in before the mode is set.
  chmodSync(path, mode)
  return () => tracked.remove()
}

/** A path whose owner is gone refuses a probe. Two that find the same stale path take turns, by a lock on the run folder. */
function bindOverStale(fd: number, path: string, type: number, errors: ErrorContext): number {
  const folder = check(native.fdOpen(runFolder(), O_DIRECTORY, 0), 'open', errors)
  try {
    if (native.fdFlock(folder, LOCK_EX) === -EAGAIN) return -EADDRINUSE
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat !== undefined) {
      if (!stat.isSocket() || !isStale(path, type)) return -EADDRINUSE
      fileKind.remove(path)
    }
    return native.socketBind(fd, AF_UNIX, path, 0)
  } finally {
    native.fdClose(folder)
  }
}

function isStale(path: string, type: number): boolean {
  const probe = native.socketOpen(AF_UNIX, type, 0)
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

export const unixUrl = (scheme: string, path: string): string =>
  path.startsWith('@') ? `${scheme}:///${encodeURIComponent(path)}` : pathUrl(scheme, checkPath(path, MAX_PATH))
