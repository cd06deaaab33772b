/** A unix domain socket at a path that keeps records and tells the end: SOCK_SEQPACKET, unix(7) */
import { defineAdapter } from '../../core/adapter.js'
import { addonError } from '../../native/index.js'
import { SOCK_SEQPACKET } from './native.js'
import { connectToPath, listenAtPath } from './unix-connection.js'
import { MAX_MESSAGE, SeqpacketSocket } from './unix-message-socket.js'
import { temporaryPath, unixPathOf, unixUrl } from './unix-path.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** At most 107 bytes. A path that begins with '@' is an abstract name, which has no file. */
    'socket/unix-seqpacket': { path: string }
  }
}

export default defineAdapter({
  id: 'socket/unix-seqpacket',
  scheme: 'unix+seqpacket',
  summary: 'socket of ordered records at a path',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: MAX_MESSAGE },
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
  format: ({ path }) => unixUrl('unix+seqpacket', path),
  temporary: (folder) => ({ path: temporaryPath(folder) }),

  listen: ({ path }, context) => {
    const url = unixUrl('unix+seqpacket', path)
    const errors = { adapter: 'socket/unix-seqpacket', address: url } as const
    return listenAtPath(path, SOCK_SEQPACKET, url, context, errors, (fd, peer) => new SeqpacketSocket(fd, errors, peer))
  },

  connect: ({ path }, context) => {
    const errors = { adapter: 'socket/unix-seqpacket', address: unixUrl('unix+seqpacket', path) } as const
    return connectToPath(path, SOCK_SEQPACKET, context, errors, (fd, peer) => new SeqpacketSocket(fd, errors, peer))
  },
})
