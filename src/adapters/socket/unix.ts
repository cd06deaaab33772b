/** A unix domain stream socket at a path. unix(7) */
import { defineAdapter } from '../../core/adapter.js'
import { addonError } from '../../native/index.js'
import { SOCK_STREAM } from './native.js'
import { StreamSocket } from './stream-socket.js'
import { connectToPath, listenAtPath } from './unix-connection.js'
import { temporaryPath, unixPathOf, unixUrl } from './unix-path.js'

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
  temporary: (folder) => ({ path: temporaryPath(folder) }),

  listen: ({ path }, context) => {
    const url = unixUrl('unix', path)
    const errors = { adapter: 'socket/unix', address: url } as const
    return listenAtPath(path, SOCK_STREAM, url, context, errors, (fd, peer) => new StreamSocket(fd, errors, peer))
  },

  connect: ({ path }, context) => {
    const errors = { adapter: 'socket/unix', address: unixUrl('unix', path) } as const
    return connectToPath(path, SOCK_STREAM, context, errors, (fd, peer) => new StreamSocket(fd, errors, peer))
  },
})
