/** TCP, without Nagle's delay. tcp(7) */
import { defineAdapter } from '../../core/adapter.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { boundTo, type InetAddress, inetAddressOf, inetUrl, LOOPBACK, withAnyAddress } from './inet-address.js'
import { accepting, acceptor, connectSocket } from './listener.js'
import { IPPROTO_TCP, native, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY } from './native.js'
import { StreamSocket } from './stream-socket.js'

declare module '../../core/channel.js' {
  interface Adapters {
    'socket/tcp': InetAddress
  }
}

function over(fd: number, errors: ErrorContext): StreamSocket {
  native.socketSetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1) // fails only on a connection that is already lost
  return new StreamSocket(fd, errors)
}

export default defineAdapter({
  id: 'socket/tcp',
  scheme: 'tcp',
  summary: 'TCP connection',
  capabilities: {
    framing: 'stream',
    payload: { min: 0, max: 2 ** 32 - 1 },
    native: 'duplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'kernel',
    halfClose: true,
    rendezvous: 'network',
    peers: 'many',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: true,
    priority: false,
  },
  unavailable: () => addonError,
  parse: inetAddressOf,
  format: (address) => inetUrl('tcp', address),
  temporary: () => ({ host: LOOPBACK, port: 0 }),

  listen({ host = LOOPBACK, port }, context) {
    const errors = { adapter: 'socket/tcp', address: inetUrl('tcp', { host, port }) } as const
    return withAnyAddress(host, errors, (at) => {
      const fd = check(native.socketOpen(at.family, SOCK_STREAM, 0), 'socket', errors)
      try {
        // A successor need not wait until the connections of its predecessor are forgotten (TIME_WAIT).
        check(native.socketSetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1), 'setsockopt', errors)
        check(native.socketBind(fd, at.family, at.host, port), 'bind', errors)
        check(native.socketListen(fd, context.backlog), 'listen', errors)
      } catch (error) {
        native.fdClose(fd)
        throw error
      }
      return acceptor(
        fd,
        inetUrl('tcp', boundTo(fd)),
        context,
        errors,
        accepting((accepted) => over(accepted, errors)),
      )
    })
  },

  connect({ host = LOOPBACK, port }, context) {
    const errors = { adapter: 'socket/tcp', address: inetUrl('tcp', { host, port }) } as const
    return withAnyAddress(
      host,
      errors,
      async (at) => {
        const fd = check(native.socketOpen(at.family, SOCK_STREAM, 0), 'socket', errors)
        await connectSocket(fd, at.family, at.host, port, context, errors)
        return over(fd, errors)
      },
      context.signal,
    )
  },
})
