/**
 * Descriptors that travel to another process: a listening socket, a pipe, a memfd. SCM_RIGHTS in unix(7)
 *
 * They travel attached to a datagram of a unix socket with a path, so any program that knows sendmsg(2) may be on
 * the other end (in Python `socket.send_fds`). What arrives is a descriptor of the same open file description, under a
 * number of its own: whatever belongs to the description, such as the offset or O_NONBLOCK, is shared from then on.
 */
import { constants } from 'node:os'
import type { Bytes, CallOptions } from '../../core/channel.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { checkMode } from '../../core/rendezvous.js'
import { withSignal } from '../../core/wait.js'
import { addonError } from '../../native/index.js'
import { EPOLLIN, EPOLLOUT } from '../../native/loop.js'
import { ready } from './listener.js'
import { AF_UNIX, native, SOCK_DGRAM } from './native.js'
import { type BoundPath, bindPath, unixUrl } from './unix-path.js'

const { EAGAIN, EMSGSIZE } = constants.errno
/** SCM_MAX_FD of the kernel. */
const MOST_DESCRIPTORS = 253
const MOST_BYTES = 64 * 1024

const errorsAt = (path: string): ErrorContext => ({ address: unixUrl('unix+dgram', path) })

function openSocket(errors: ErrorContext): number {
  if (addonError !== undefined) throw new IpcError('ERR_IPC_UNAVAILABLE', addonError, errors)
  return check(native.socketOpen(AF_UNIX, SOCK_DGRAM, 0), 'socket', errors)
}

/**
 * Sends `data`, 1 to 65536 bytes, with 1 to 253 open descriptors attached, to the receiver at `path`. Settles when
 * the kernel has both; waits while the receiver's queue is full.
 *
 * The receiver gets descriptors of its own. Those here stay open and the caller's, who may close them as soon as
 * this settles.
 *
 * @throws ERR_IPC_NOT_FOUND where nobody receives there, ERR_IPC_PERMISSION, ERR_IPC_TIMEOUT, ERR_IPC_UNAVAILABLE,
 *         ERR_IPC_FAILED (EBADF) where one is not open; RangeError on other lengths
 */
export async function sendDescriptors(
  path: string,
  data: Uint8Array,
  descriptors: readonly number[],
  options: CallOptions = {},
): Promise<void> {
  if (data.length < 1 || data.length > MOST_BYTES) throw new RangeError(`data must have 1 to ${MOST_BYTES} bytes, not ${data.length}`)
  if (descriptors.length < 1 || descriptors.length > MOST_DESCRIPTORS)
    throw new RangeError(`1 to ${MOST_DESCRIPTORS} descriptors travel together, not ${descriptors.length}`)
  for (const fd of descriptors) if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`a descriptor is a whole number >= 0, not ${fd}`)
  const errors = errorsAt(path)
  await withSignal(options, errors, async (signal) => {
    const socket = openSocket(errors)
    try {
      check(native.socketConnect(socket, AF_UNIX, path, 0), 'connect', errors)
      for (;;) {
        const sent = native.fdSendDescriptors(socket, data, Int32Array.from(descriptors))
        if (sent !== -EAGAIN) return void check(sent, 'sendmsg', errors)
        await ready(socket, EPOLLOUT, signal)
      }
    } finally {
      native.fdClose(socket)
    }
  })
}

/** What came, and the descriptors with it. */
export interface ReceivedDescriptors {
  readonly data: Bytes
  /** Open and close-on-exec. The caller's to close, or to give away (`net.Server.listen({ fd })`). */
  readonly descriptors: readonly number[]
}

/** Descriptors that are sent to one path. */
export interface DescriptorReceiver extends Disposable {
  /**
   * The next datagram, also one that brings no descriptor. One call at a time.
   *
   * Truncation is never silent: where a datagram is longer than 65536 bytes, or brings more descriptors than this process
   * may open, all that came with it are closed.
   * @throws ERR_IPC_PROTOCOL, ERR_IPC_LIMIT on those; ERR_IPC_BUSY, ERR_IPC_CLOSED, ERR_IPC_TIMEOUT
   */
  receive(options?: CallOptions): Promise<ReceivedDescriptors>
  /** Closes the socket and removes its path, if it still is this socket's. Descriptors that nobody received are closed by the kernel. Idempotent. */
  close(): void
}

/**
 * Receives descriptors at `path`, which this call makes; one that a dead process left gives way. A path that begins
 * with '@' is an abstract name, at which any user may send.
 *
 * @param options `mode` of the path, default 0600: who may write may send
 * @throws ERR_IPC_EXISTS where somebody receives there, ERR_IPC_PERMISSION, ERR_IPC_UNAVAILABLE
 */
export async function openDescriptorReceiver(path: string, options: { readonly mode?: number } = {}): Promise<DescriptorReceiver> {
  const mode = checkMode(options.mode)
  const errors = errorsAt(path)
  const socket = openSocket(errors)
  try {
    return new Receiver(socket, await bindPath(socket, path, mode, SOCK_DGRAM, errors), errors)
  } catch (error) {
    native.fdClose(socket)
    throw error
  }
}

class Receiver implements DescriptorReceiver {
  readonly #socket: number
  readonly #bound: BoundPath
  readonly #errors: ErrorContext
  readonly #closed = new AbortController()
  #receiving = false

  constructor(socket: number, bound: BoundPath, errors: ErrorContext) {
    this.#socket = socket
    this.#bound = bound
    this.#errors = errors
  }

  async receive(options: CallOptions = {}): Promise<ReceivedDescriptors> {
    this.#closed.signal.throwIfAborted()
    if (this.#receiving) throw new IpcError('ERR_IPC_BUSY', 'another receive is waiting', this.#errors)
    this.#receiving = true
    try {
      return await withSignal(options, this.#errors, (signal) => this.#next(AbortSignal.any([signal, this.#closed.signal])))
    } finally {
      this.#receiving = false
    }
  }

  async #next(signal: AbortSignal): Promise<ReceivedDescriptors> {
    const data = new Uint8Array(MOST_BYTES)
    const fds = new Int32Array(MOST_DESCRIPTORS)
    for (;;) {
      signal.throwIfAborted()
      const length = native.fdReceiveDescriptors(this.#socket, data, fds)
      if (length >= 0) {
        const descriptors = [...fds].filter((fd) => fd >= 0)
        for (const fd of descriptors) native.fdDisown(fd)
        return { data: data.slice(0, length), descriptors }
      }
      if (length === -EMSGSIZE)
        throw new IpcError(
          'ERR_IPC_PROTOCOL',
          `a datagram of more than ${MOST_BYTES} bytes came, and was cut; its descriptors are closed`,
          this.#errors,
        )
      if (length !== -EAGAIN) throw systemError(length, 'recvmsg', this.#errors)
      await ready(this.#socket, EPOLLIN, signal)
    }
  }

  close(): void {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new IpcError('ERR_IPC_CLOSED', 'this side is closed', this.#errors))
    native.fdClose(this.#socket)
    this.#bound.remove()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
