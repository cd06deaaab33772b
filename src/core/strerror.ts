/** The numbers of errors that npm packages tell as text alone. strerror(3), in the C locale. */
import { constants } from 'node:os'

const { errno: E } = constants

const TEXTS: readonly (readonly [text: string, errno: number])[] = [
  ['Permission denied', E.EACCES],
  ['File exists', E.EEXIST],
  ['Invalid argument', E.EINVAL],
  ['Too many levels of symbolic links', E.ELOOP],
  ['Too many open files', E.EMFILE],
  ['File name too long', E.ENAMETOOLONG],
  ['Too many open files in system', E.ENFILE],
  ['No such file or directory', E.ENOENT],
  ['Cannot allocate memory', E.ENOMEM],
  ['No space left on device', E.ENOSPC],
  ['Not a directory', E.ENOTDIR],
  ['Operation not permitted', E.EPERM],
  ['Read-only file system', E.EROFS],
]

/** -errno of an error whose message ends with strerror's text; -EIO where it is none of these. */
export function errnoOfText(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error)
  return -(TEXTS.find(([text]) => message.endsWith(text))?.[1] ?? E.EIO)
}
