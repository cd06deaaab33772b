/** Listening at a path and connecting to it: what stream and seqpacket sockets have in common. unix(7) */
import type { Acceptor, ConnectContext, Endpoint, ListenContext } from '../../core/adapter.js'
import type { Credentials } from '../../core/channel.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { accepting, acceptor, connectSocket, peerOf } from './listener.js'
import { AF_UNIX, native } from './native.js'
import { type BoundPath, bindPath } from './unix-path.js'

/** An endpoint over a connected socket, which it owns. */
type Over = (fd: number, peer: Credentials | undefined) => Endpoint

export async function listenAtPath(
  path: string,
  type: number,
  url: string,
  context: ListenContext,
  errors: ErrorContext,
  over: Over,
): Promise<Acceptor> {
  const fd = check(native.socketOpen(AF_UNIX, type, 0), 'socket', errors)
  let bound: BoundPath | undefined
  try {
    bound = await bindPath(fd, path, context.mode, type, errors)
    check(native.socketListen(fd, context.backlog), 'listen', errors)
  } catch (error) {
    bound?.remove()
    native.fdClose(fd)
    throw error
  }
  return acceptor(
    fd,
    url,
    context,
    errors,
    accepting((accepted) => over(accepted, peerOf(accepted))),
    bound.remove,
  )
}

export async function connectToPath(
  path: string,
  type: number,
  context: ConnectContext,
  errors: ErrorContext,
  over: Over,
): Promise<Endpoint> {
  const fd = check(native.socketOpen(AF_UNIX, type, 0), 'socket', errors)
  await connectSocket(fd, AF_UNIX, path, 0, context, errors)
  return over(fd, peerOf(fd))
}
