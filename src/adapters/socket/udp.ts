/**
 * UDP. udp(7)
 *
 * A channel is two sockets connected to each other. The connector says hello at the listener's port,
 * naming the port where it waits; the answer names a fresh port at which a socket for this peer alone
 * waits. A datagram may be lost, and a peer that is gone is told to a sender alone, by ECONNREFUSED for
 * the datagram before.
 */
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { check, type ErrorContext, IpcError } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { type Hello, receiveHello, sayHello, welcome } from './hello.js'
import { boundTo, type InetAddress, inetAddressOf, inetUrl, LOOPBACK, type ResolvedHost, withAnyAddress } from './inet-address.js'
import { acceptor } from './listener.js'
import { addressBytes, hostPort, MessageSocket } from './message-socket.js'
import { native, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET } from './native.js'

declare module '../../core/channel.js' {
  interface Adapters {
    'socket/udp': InetAddress
  }
}

const { EPROTO } = constants.errno
/** 65535 less the headers of IPv4 and UDP. */
export const MAX_DATAGRAM = 65_507
/** Room for a burst; the kernel gives what net.core.rmem_max allows. What comes when it is full is dropped. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/** As much as the machine gives is enough. */
export const roomForBursts = (fd: number): number => native.socketSetOption(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)

/** A socket for one of the host's addresses, closed again where what `make` does with it fails. */
function withDatagramSocket<T>(
  { host = LOOPBACK }: InetAddress,
  errors: ErrorContext,
  make: (fd: number, at: ResolvedHost) => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const open = async (at: ResolvedHost) => {
    const fd = check(native.socketOpen(at.family, SOCK_DGRAM, 0), 'socket', errors)
    try {
      roomForBursts(fd)
      return await make(fd, at)
    } catch (error) {
      native.fdClose(fd)
      throw error
    }
  }
  return withAnyAddress(host, errors, open, signal)
}

const errorsAt = ({ host = LOOPBACK, port }: InetAddress) => ({ adapter: 'socket/udp', address: inetUrl('udp', { host, port }) }) as const

/** A channel's socket: it hears its peer alone. */
class UdpSocket extends MessageSocket {
  readonly #closed: () => void

  constructor(fd: number, errors: ErrorContext, peer: Uint8Array, closed: () => void = () => {}) {
    super(fd, fd, errors, { only: peer })
    this.#closed = closed
  }

  override close(): void {
    super.close()
    this.#closed()
  }
}

function portIn(text: string | undefined): number | undefined {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined
}

/** Gives each peer that says hello a socket of its own, and the same answer where it repeats itself. */
function greeter(at: ResolvedHost, errors: ErrorContext): (fd: number) => UdpSocket | number {
  const portOf = new Map<string, number>()
  const answer = (fd: number, hello: Hello, port: number) =>
    native.socketSendTo(fd, welcome(hello, String(port)), at.family, hello.host, hello.port)
  return (fd) => {
    const hello = receiveHello(fd)
    if (typeof hello === 'number') return hello
    const remotePort = portIn(hello?.text)
    if (hello === undefined || remotePort === undefined) return -EPROTO
    const key = `${hello.nonce} ${hostPort(hello.host, hello.port)}`
    const known = portOf.get(key)
    if (known !== undefined) {
      answer(fd, hello, known)
      return -EPROTO
    }
    const own = native.socketOpen(at.family, SOCK_DGRAM, 0)
    if (own < 0) return own // the connector repeats its hello
    const bound = native.socketBind(own, at.family, at.host, 0)
    const failed = bound < 0 ? bound : native.socketConnect(own, at.family, hello.host, remotePort)
    if (failed < 0) {
      native.fdClose(own)
      return -EPROTO // an address from which no datagram can have come
    }
    roomForBursts(own)
    const { port } = boundTo(own)
    portOf.set(key, port)
    answer(fd, hello, port)
    return new UdpSocket(own, errors, addressBytes(at.family, hello.host, remotePort), () => portOf.delete(key))
  }
}

export default defineAdapter({
  id: 'socket/udp',
  scheme: 'udp',
  summary: 'datagrams over IP, which may be lost',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: MAX_DATAGRAM },
    native: 'duplex',
    order: 'none',
    whenFull: 'drop',
    end: 'none',
    halfClose: false,
    rendezvous: 'network',
    peers: 'many',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: false,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: true,
    crossesHosts: true,
    priority: false,
  },
  unavailable: () => addonError,
  parse: inetAddressOf,
  format: (address) => inetUrl('udp', address),
  temporary: () => ({ host: LOOPBACK, port: 0 }),

  listen(address, context) {
    const errors = errorsAt(address)
    return withDatagramSocket(address, errors, (fd, at) => {
      check(native.socketBind(fd, at.family, at.host, address.port), 'bind', errors)
      return acceptor(fd, inetUrl('udp', boundTo(fd)), context, errors, greeter(at, errors))
    })
  },

  connect(address, context) {
    const errors = errorsAt(address)
    const meet = async (own: number, at: ResolvedHost) => {
      // Another socket asks: connected, so that it learns by ECONNREFUSED where nobody listens.
      const asking = check(native.socketOpen(at.family, SOCK_DGRAM, 0), 'socket', errors)
      try {
        check(native.socketConnect(asking, at.family, at.host, address.port), 'connect', errors)
        check(native.socketBind(own, at.family, boundTo(asking).host, 0), 'bind', errors)
        const send = (hello: Uint8Array) => native.socketSend(asking, hello)
        const port = portIn(await sayHello(asking, String(boundTo(own).port), send, context.signal, errors))
        if (port === undefined) throw new IpcError('ERR_IPC_PROTOCOL', 'the listener answered with no port', errors)
        check(native.socketConnect(own, at.family, at.host, port), 'connect', errors)
        return new UdpSocket(own, errors, addressBytes(at.family, at.host, port))
      } finally {
        native.fdClose(asking)
      }
    }
    return withDatagramSocket(address, errors, meet, context.signal)
  },

  /** A port is no object that could be made, kept or removed: `create`, `mode` and `unlink` have no meaning here. */
  openReceiver(address, { signal }) {
    const errors = errorsAt(address)
    const bind = (fd: number, at: ResolvedHost) => {
      check(native.socketBind(fd, at.family, at.host, address.port), 'bind', errors)
      return new MessageSocket(fd, fd, errors)
    }
    return withDatagramSocket(address, errors, bind, signal)
  },

  /** Connected, so that a datagram for a port that nobody has shows at the next one. */
  openSender(address, { signal }) {
    const errors = errorsAt(address)
    const connect = (fd: number, at: ResolvedHost) => {
      check(native.socketConnect(fd, at.family, at.host, address.port), 'connect', errors)
      return new MessageSocket(fd, fd, errors)
    }
    return withDatagramSocket(address, errors, connect, signal)
  },
})
