/** A unix domain stream socket at a path. unix(7) */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { defineAdapter } from '../../core/adapter.js'
import { check } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { acceptor, connectSocket, peerOf } from './listener.js'
import { AF_UNIX, native, SOCK_STREAM } from './native.js'
import { StreamSocket } from './stream-socket.js'
import { bindPath, unixPathOf, unixUrl } from './unix-path.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** At most 107 bytes. A path that begins with '@' is an abstract name, which has no file. */
    'socket/unix': { path: string }
  }
}

export default defineAdapter({
  id: 'socket/unix',
  scheme: 'unix',
  summary: 'stream socket at a path',
  capabilities: {
    framing: 'stream',
    payload: { min: 0, max: 2 ** 32 - 1 },
    native: 'duplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'kernel',
    halfClose: true,
    rendezvous: 'name',
    peers: 'many',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: false,
    priority: false,
  },
  unavailable: () => addonError,
  parse: (url) => ({ path: unixPathOf(url) }),
  format: ({ path }) => unixUrl('unix', path),
  temporary: (folder) => ({ path: join(folder, `${randomBytes(6).toString('hex')}.sock`) }),

  async listen({ path }, context) {
    const errors = { adapter: 'socket/unix', address: path } as const
    const fd = check(native.socketOpen(AF_UNIX, SOCK_STREAM, 0), 'socket', errors)
    let unbind = () => {}
    try {
      unbind = bindPath(fd, path, context.mode, SOCK_STREAM, errors)
      check(native.socketListen(fd, context.backlog), 'listen', errors)
      return acceptor(
        fd,
        unixUrl('unix', path),
        context,
        errors,
        (accepted) => new StreamSocket(accepted, errors, peerOf(accepted)),
        unbind,
      )
    } catch (error) {
      unbind()
      native.fdClose(fd)
      throw error
    }
  },

  async connect({ path }, context) {
    const errors = { adapter: 'socket/unix', address: path } as const
    const fd = check(native.socketOpen(AF_UNIX, SOCK_STREAM, 0), 'socket', errors)
    await connectSocket(fd, AF_UNIX, path, 0, context, errors)
    return new StreamSocket(fd, errors, peerOf(fd))
  },
})
