import { constants } from 'node:os'
import { type AdapterId, Result } from './channel.js'

/** The stable codes. None is Node's own. */
export type IpcErrorCode = `ERR_IPC_${
  | 'CLOSED'
  | 'PEER_GONE'
  | 'PAYLOAD_SIZE'
  | 'TARGET_SIZE'
  | 'FULL'
  | 'BUSY'
  | 'EXISTS'
  | 'NOT_FOUND'
  | 'PERMISSION'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'PROTOCOL'
  | 'VERSION'
  | 'LIMIT'
  | 'REMOTE'
  | 'FAILED'}`

export interface ErrorContext {
  adapter?: AdapterId | undefined
  address?: string | undefined
  errno?: number | undefined
  syscall?: string | undefined
  cause?: unknown
}

/** Every failure that is not a programming mistake. `code` is stable; the message says what to do. */
export class IpcError extends Error {
  readonly code: IpcErrorCode
  readonly adapter?: AdapterId
  readonly address?: string
  /** The kernel's number, negative as in Node. */
  readonly errno?: number
  readonly syscall?: string

  constructor(code: IpcErrorCode, message: string, context: ErrorContext = {}) {
    const where = [context.adapter, context.address].filter((part) => part !== undefined).join(' ')
    super(where === '' ? message : `${where}: ${message}`, context.cause === undefined ? undefined : { cause: context.cause })
    this.name = 'IpcError'
    this.code = code
    if (context.adapter !== undefined) this.adapter = context.adapter
    if (context.address !== undefined) this.address = context.address
    if (context.errno !== undefined) this.errno = context.errno
    if (context.syscall !== undefined) this.syscall = context.syscall
  }
}

/** True for errors of this library, also of another installed copy of it. */
export function isIpcError(error: unknown): error is IpcError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_IPC_') &&
    error.name === 'IpcError'
  )
}

const E = constants.errno

/** One table from the kernel's number to our code and what to do about it. */
const byErrno = new Map<number, readonly [IpcErrorCode, string]>([
  [E.EACCES, ['ERR_IPC_PERMISSION', 'permission denied; check the owner and mode of the object']],
  [E.EPERM, ['ERR_IPC_PERMISSION', 'not permitted; this needs the same user or a capability']],
  [E.EROFS, ['ERR_IPC_PERMISSION', 'the file system is read-only']],
  [E.EEXIST, ['ERR_IPC_EXISTS', "the name exists; remove it, choose another, or open it with create: 'never'"]],
  [E.EADDRINUSE, ['ERR_IPC_EXISTS', 'the address is in use by a living listener; choose another']],
  [E.ENOENT, ['ERR_IPC_NOT_FOUND', 'nothing has this name; start the listener first, or pass waitForPeer: true']],
  [E.ENXIO, ['ERR_IPC_NOT_FOUND', 'nobody has the other end open; start the listener first, or pass waitForPeer: true']],
  [E.ECONNREFUSED, ['ERR_IPC_NOT_FOUND', 'nobody listens there; start the listener first, or pass waitForPeer: true']],
  [E.ENOTDIR, ['ERR_IPC_NOT_FOUND', 'a part of the path is no folder']],
  [E.ESRCH, ['ERR_IPC_NOT_FOUND', 'there is no such process']],
  [E.EADDRNOTAVAIL, ['ERR_IPC_NOT_FOUND', 'the address is not one of this machine']],
  [E.EPIPE, ['ERR_IPC_PEER_GONE', 'the peer has closed its end']],
  [E.ECONNRESET, ['ERR_IPC_PEER_GONE', 'the peer closed without reading everything, or was killed']],
  [E.ECONNABORTED, ['ERR_IPC_PEER_GONE', 'the peer gave up while connecting']],
  [E.ENOTCONN, ['ERR_IPC_PEER_GONE', 'there is no peer any more']],
  [E.EHOSTUNREACH, ['ERR_IPC_PEER_GONE', 'there is no route to the peer']],
  [E.ENETUNREACH, ['ERR_IPC_PEER_GONE', 'there is no route to the network of the peer']],
  [E.EIDRM, ['ERR_IPC_PEER_GONE', 'the object was removed while it was in use']],
  [E.ETIMEDOUT, ['ERR_IPC_TIMEOUT', 'the kernel gave up waiting']],
  [E.EMSGSIZE, ['ERR_IPC_PAYLOAD_SIZE', 'the message is larger than the mechanism takes; see capabilities.payload']],
  [E.EMFILE, ['ERR_IPC_LIMIT', 'this process has no descriptor left; raise `ulimit -n` or close something']],
  [E.ENFILE, ['ERR_IPC_LIMIT', 'the machine has no file left; raise fs.file-max']],
  [E.ENOSPC, ['ERR_IPC_LIMIT', 'no room is left: on the file system, or the limit of such objects is reached']],
  [E.ENOMEM, ['ERR_IPC_LIMIT', 'out of memory']],
  [E.EDQUOT, ['ERR_IPC_LIMIT', 'the quota is reached']],
  [E.ENOBUFS, ['ERR_IPC_LIMIT', 'the kernel has no buffer left']],
  [E.EBUSY, ['ERR_IPC_BUSY', 'the object is in use']],
  [E.EAGAIN, ['ERR_IPC_BUSY', 'the object is in use']],
  [E.ENOSYS, ['ERR_IPC_UNAVAILABLE', 'this kernel lacks the system call']],
  [E.EOPNOTSUPP, ['ERR_IPC_UNAVAILABLE', 'this kernel or file system does not support it']],
  [E.EAFNOSUPPORT, ['ERR_IPC_UNAVAILABLE', 'this kernel lacks the address family']],
])

const names = new Map(Object.entries(E).map(([name, number]) => [number, name]))

/** The symbolic name of an error number: `ENOENT`. */
export const errnoName = (errno: number): string => names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`

/** The error for a native result: `errno` is the number, negative or positive. */
export function systemError(errno: number, syscall: string, context: ErrorContext = {}, advice?: string): IpcError {
  const number = Math.abs(errno)
  const [code, meaning] = byErrno.get(number) ?? ['ERR_IPC_FAILED', 'the system call failed']
  return new IpcError(code, `${advice ?? meaning} (${syscall}: ${errnoName(number)})`, { ...context, errno: -number, syscall })
}

/** A native result that must be >= 0: the number, or the error thrown. */
export function check(result: number, syscall: string, context: ErrorContext = {}, advice?: string): number {
  if (result >= 0) return result
  throw systemError(result, syscall, context, advice)
}

/** The error where no thread to wait with can be had: eventfd(2) or pthread_create(3) failed. */
export function threadError(errno: number, context: ErrorContext = {}): IpcError {
  const number = Math.abs(errno)
  if (number !== E.EAGAIN) return systemError(number, number === E.EMFILE || number === E.ENFILE ? 'eventfd' : 'pthread_create', context)
  return new IpcError('ERR_IPC_LIMIT', 'no thread can be started; raise `ulimit -u` or close something (pthread_create: EAGAIN)', {
    ...context,
    errno: -number,
    syscall: 'pthread_create',
  })
}

/** A native waiter's handle: the number, or the error thrown. */
export function checkThread(handle: number, context: ErrorContext = {}): number {
  if (handle >= 0) return handle
  throw threadError(handle, context)
}

/** An error thrown by Node's own modules (`errno`, `syscall`, `code`), as one of ours. */
export function fromNodeError(error: unknown, context: ErrorContext = {}): IpcError {
  if (isIpcError(error)) return error
  const raw = error as NodeJS.ErrnoException
  const errno = typeof raw?.errno === 'number' ? raw.errno : (E[raw?.code as keyof typeof E] ?? 0)
  if (errno === 0) return new IpcError('ERR_IPC_FAILED', raw?.message ?? String(error), { ...context, cause: error })
  return systemError(errno, raw.syscall ?? 'call', { ...context, cause: error })
}

/** A failed system call of Node's own modules as one of our errors; anything else as it is. */
export const asIpcError = (error: unknown, context: ErrorContext): unknown =>
  error instanceof Error && 'syscall' in error && !isIpcError(error) ? fromNodeError(error, context) : error

/** The error of who wanted to make an object: what is missing then is the folder. */
export function creationError(error: unknown, context: ErrorContext): unknown {
  const known = asIpcError(error, context)
  if (!(known instanceof IpcError) || known.errno !== -E.ENOENT) return known
  return systemError(E.ENOENT, known.syscall ?? 'open', context, 'the folder of this path does not exist; make it first')
}

/** The error that stands for a `Result`. */
export function resultError(result: number, context: ErrorContext = {}): IpcError {
  switch (result) {
    case Result.CLOSED:
      return new IpcError('ERR_IPC_CLOSED', 'the channel is closed', context)
    case Result.PEER_GONE:
      return new IpcError('ERR_IPC_PEER_GONE', 'the peer is gone', context)
    case Result.PAYLOAD_SIZE:
      return new IpcError('ERR_IPC_PAYLOAD_SIZE', 'the payload is outside capabilities.payload', context)
    case Result.TARGET_SIZE:
      return new IpcError('ERR_IPC_TARGET_SIZE', 'the message is larger than the target; it stays queued', context)
    case Result.BUSY:
      return new IpcError('ERR_IPC_BUSY', 'another call is waiting', context)
    case Result.END:
      return new IpcError('ERR_IPC_PEER_GONE', 'the peer has ended', context)
    default:
      return new IpcError('ERR_IPC_FAILED', 'the operation failed', context)
  }
}

export const unavailable = (reason: string, context: ErrorContext = {}): IpcError => new IpcError('ERR_IPC_UNAVAILABLE', reason, context)
export const closedError = (context: ErrorContext = {}): IpcError => resultError(Result.CLOSED, context)
