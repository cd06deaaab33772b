/** Accepting and connecting, the same for every connected socket. */
import { constants } from 'node:os'
import type { Acceptor, ConnectContext, Endpoint, ListenContext } from '../../core/adapter.js'
import type { Credentials } from '../../core/channel.js'
import { check, type ErrorContext, systemError } from '../../core/errors.js'
import { DescriptorWatcher, EPOLLIN, EPOLLOUT } from '../../native/loop.js'
import { native } from './native.js'

const { EAGAIN, EINPROGRESS, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO } = constants.errno
const RETRY_MS = 20
const LONGEST_MS = 2 ** 31 - 1

/** The next endpoint: -EAGAIN where nobody waits, -EPROTO where what came is no peer. */
type Next = (fd: number) => Endpoint | number

/** accept(2), with an endpoint over each socket. */
export const accepting =
  (over: (fd: number) => Endpoint): Next =>
  (fd) => {
    const accepted = native.socketAccept(fd)
    return accepted < 0 ? accepted : over(accepted)
  }

/** Takes peers from a descriptor, which it owns, until closed; `released` runs then. */
export function acceptor(
  fd: number,
  address: string,
  context: ListenContext,
  errors: ErrorContext,
  next: Next,
  released: () => void = () => {},
): Acceptor {
  let paused = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  const want = () => watcher.want(paused || closed || retry !== undefined ? 0 : EPOLLIN)
  const watcher = new DescriptorWatcher(fd, () => {
    while (!paused && !closed) {
      const came = next(fd)
      if (typeof came !== 'number') hand(came)
      else if (came === -EAGAIN) return
      else if (came === -EMFILE || came === -ENFILE || came === -ENOBUFS || came === -ENOMEM) {
        // The peer waits in the backlog; a descriptor may be free again later. Level-triggered polling
        // would spin meanwhile.
        retry = setTimeout(() => {
          retry = undefined
          want()
        }, RETRY_MS)
        want()
        return
      } else if (came !== -ECONNABORTED && came !== -EPROTO) {
        context.done(systemError(came, 'accept', errors))
        return
      }
    }
  })
  const hand = (endpoint: Endpoint) => {
    let allowed = false
    try {
      allowed = context.allow(endpoint.peer)
    } finally {
      if (!allowed) endpoint.close()
    }
    if (allowed) context.accept(endpoint)
  }
  want()
  return {
    address,
    pause() {
      paused = true
      want()
    },
    resume() {
      paused = false
      want()
    },
    close() {
      if (closed) return
      closed = true
      clearTimeout(retry)
      watcher.close()
      native.fdClose(fd)
      released()
    },
  }
}

/** Connects a fresh socket, which it closes again on failure. */
export async function connectSocket(
  fd: number,
  family: number,
  host: string,
  port: number,
  context: ConnectContext,
  errors: ErrorContext,
): Promise<void> {
  try {
    context.signal.throwIfAborted()
    for (;;) {
      const result = native.socketConnect(fd, family, host, port)
      if (result === -EINPROGRESS) {
        await ready(fd, EPOLLOUT, context.signal)
        check(native.socketError(fd), 'connect', errors)
        return
      }
      if (result !== -EAGAIN) {
        check(result, 'connect', errors)
        return
      }
      // A unix listener's backlog is full, and nothing announces room in it.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      context.signal.throwIfAborted()
    }
  } catch (error) {
    native.fdClose(fd)
    throw error
  }
}

/** Settles with true when one of `events` (or an error) is there, with false after `timeoutMs`. Keeps the process alive meanwhile. */
export function ready(fd: number, events: number, signal: AbortSignal, timeoutMs = LONGEST_MS): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      watcher.close()
      settle()
    }
    const aborted = () => finish(() => reject(signal.reason))
    const timer = setTimeout(() => finish(() => resolve(false)), timeoutMs)
    const watcher = new DescriptorWatcher(fd, () => finish(() => resolve(true)))
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    else watcher.want(events)
  })
}

const credentials = new Int32Array(3)

/** SO_PEERCRED: who the peer was when it connected or listened. */
export function peerOf(fd: number): Credentials | undefined {
  if (native.socketCredentials(fd, credentials) < 0) return undefined
  const [pid, uid] = credentials as unknown as [number, number]
  return pid > 0 ? { pid, uid: uid >>> 0 } : undefined
}
