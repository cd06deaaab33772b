/** Accepting and connecting, the same for every connected socket. */
import { constants } from 'node:os'
import type { Acceptor, ConnectContext, Endpoint, ListenContext } from '../../core/adapter.js'
import type { Credentials } from '../../core/channel.js'
import { check, type ErrorContext, systemError } from '../../core/errors.js'
import { DescriptorWatcher, EPOLLIN, EPOLLOUT } from '../../native/loop.js'
import { native } from './native.js'

const { EAGAIN, EINPROGRESS, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED } = constants.errno
const RETRY_MS = 20

/** Accepts from a listening descriptor, which it owns, until closed. */
export function acceptor(
  fd: number,
  address: string,
  context: ListenContext,
  errors: ErrorContext,
  over: (fd: number) => Endpoint,
  released: () => void,
): Acceptor {
  let paused = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  const want = () => watcher.want(paused || closed || retry !== undefined ? 0 : EPOLLIN)
  const watcher = new DescriptorWatcher(fd, () => {
    while (!paused && !closed) {
      const accepted = native.socketAccept(fd)
      if (accepted === -EAGAIN) return
      if (accepted === -ECONNABORTED) continue
      if (accepted === -EMFILE || accepted === -ENFILE || accepted === -ENOBUFS || accepted === -ENOMEM) {
        // The peer waits in the backlog; a descriptor may be free again later. Level-triggered polling
        // would spin meanwhile.
        retry = setTimeout(() => {
          retry = undefined
          want()
        }, RETRY_MS)
        want()
        return
      }
      if (accepted < 0) {
        context.done(systemError(accepted, 'accept4', errors))
        return
      }
      const endpoint = over(accepted)
      if (context.allow(endpoint.peer)) context.accept(endpoint)
      else endpoint.close()
    }
  })
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
        await writable(fd, context.signal)
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

function writable(fd: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', aborted)
      watcher.close()
      settle()
    }
    const aborted = () => finish(() => reject(signal.reason))
    const watcher = new DescriptorWatcher(fd, () => finish(resolve))
    signal.addEventListener('abort', aborted, { once: true })
    watcher.want(EPOLLOUT)
  })
}

const credentials = new Int32Array(3)

/** SO_PEERCRED: who the peer was when it connected or listened. */
export function peerOf(fd: number): Credentials | undefined {
  if (native.socketCredentials(fd, credentials) < 0) return undefined
  const [pid, uid] = credentials as unknown as [number, number]
  return pid > 0 ? { pid, uid } : undefined
}
