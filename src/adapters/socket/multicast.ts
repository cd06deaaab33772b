/**
 * UDP multicast: every member of a group gets what any member sends. ip(7)
 *
 * A channel is a membership: `connect` joins, and the listener's server joins once more for each that
 * does, so that both are members before either is handed over; what any member sends reaches all others.
 * The group carries nothing but messages; members meet in another group at the same port, where
 * connectors say hello and the listener answers. A message may be lost, and nobody learns who is gone.
 */
import { randomInt } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { constants } from 'node:os'
import { type Acceptor, defineAdapter, type Endpoint } from '../../core/adapter.js'
import { check, type ErrorContext, isIpcError, systemError } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { receiveHello, sayHello, welcome } from './hello.js'
import { boundTo, inetAddressOf, LOOPBACK } from './inet-address.js'
import { acceptor } from './listener.js'
import { addressBytes, MessageSocket } from './message-socket.js'
import {
  AF_INET,
  IP_ADD_MEMBERSHIP,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IPPROTO_IP,
  native,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOL_SOCKET,
} from './native.js'
import { MAX_DATAGRAM, roomForBursts } from './udp.js'

export interface MulticastAddress {
  /** 224.0.0.0 to 239.255.255.255; 239.255.0.0/16 is for local use (RFC 2365). */
  group: string
  port: number
  /** The address of the network interface. Default 127.0.0.1: members on this machine alone. */
  interface?: string
}

declare module '../../core/channel.js' {
  interface Adapters {
    'socket/multicast': MulticastAddress
  }
}

const { ECONNREFUSED, EPROTO } = constants.errno
/** Where members of all groups meet, at their group's port. */
const MEETING_GROUP = '239.255.73.80'
/** Below the ports that Linux gives out by itself (net.ipv4.ip_local_port_range). */
const TEMPORARY_PORTS = [20_000, 32_000] as const

const via = (address: MulticastAddress): string => address.interface ?? LOOPBACK

function url(address: MulticastAddress): string {
  const { group, port } = address
  if (!isInet4(group) || !isGroup(group)) throw new TypeError(`group must be 224.0.0.0 to 239.255.255.255, not ${JSON.stringify(group)}`)
  if (group === MEETING_GROUP) throw new TypeError(`${MEETING_GROUP} is where members meet; choose another group`)
  if (!isInet4(via(address))) throw new TypeError(`interface must be an IPv4 address, not ${JSON.stringify(address.interface)}`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`port must be 1 to 65535, not ${port}`)
  return `multicast://${group}:${port}${via(address) === LOOPBACK ? '' : `?interface=${via(address)}`}`
}

const isInet4 = (text: unknown): text is string => typeof text === 'string' && isIPv4(text)
const isGroup = (group: string): boolean => {
  const first = Number(group.split('.')[0])
  return first >= 224 && first <= 239
}

const errorsAt = (address: MulticastAddress) => ({ adapter: 'socket/multicast', address: url(address) }) as const

/** Opens sockets that belong together; where making what they are for fails, they are closed again. */
function withSockets<T>(errors: ErrorContext, make: (open: () => number) => T): T {
  const fds: number[] = []
  try {
    return make(() => {
      const fd = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket', errors)
      fds.push(fd)
      return fd
    })
  } catch (error) {
    for (const fd of fds) native.fdClose(fd)
    throw error
  }
}

/** Hears one group. Bound to the group, it gets no datagram for another at the same port. */
function join(fd: number, group: string, address: MulticastAddress, errors: ErrorContext): void {
  check(native.socketSetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1), 'setsockopt', errors)
  check(native.socketSetOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), 'setsockopt', errors)
  check(native.socketBind(fd, AF_INET, group, address.port), 'bind', errors)
  check(native.socketMulticast(fd, IP_ADD_MEMBERSHIP, group, via(address)), 'setsockopt', errors)
  roomForBursts(fd)
}

/** Sends through one interface, to members on this machine too. */
function sendVia(fd: number, address: MulticastAddress, errors: ErrorContext): void {
  check(native.socketMulticast(fd, IP_MULTICAST_IF, '0.0.0.0', via(address)), 'setsockopt', errors)
  check(native.socketSetOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1), 'setsockopt', errors)
}

function sender(fd: number, address: MulticastAddress, errors: ErrorContext): number {
  sendVia(fd, address, errors)
  check(native.socketConnect(fd, AF_INET, address.group, address.port), 'connect', errors)
  return fd
}

/** Hears the group and sends to it; what it sent itself it does not hear. */
class Membership extends MessageSocket {
  readonly #left: () => void

  constructor(receiving: number, sending: number, errors: ErrorContext, left: () => void) {
    const own = boundTo(sending)
    super(receiving, sending, errors, { except: addressBytes(AF_INET, own.host, own.port) })
    this.#left = left
  }

  override close(): void {
    super.close()
    this.#left()
  }
}

const membership = (address: MulticastAddress, errors: ErrorContext, left = () => {}): Membership =>
  withSockets(errors, (open) => {
    const receiving = open()
    join(receiving, address.group, address, errors)
    return new Membership(receiving, sender(open(), address, errors), errors, left)
  })

/** Whether nobody listens on this machine: loopback tells at once that a datagram found no socket. */
function isUnclaimed(address: MulticastAddress, errors: ErrorContext): boolean {
  const fd = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket', errors)
  try {
    check(native.socketConnect(fd, AF_INET, via(address), address.port), 'connect', errors)
    check(native.socketSend(fd, new Uint8Array(0)), 'send', errors)
    return native.socketError(fd) === -ECONNREFUSED
  } finally {
    native.fdClose(fd)
  }
}

/** Joins once more for each that says hello, and gives the same answer where it repeats itself. */
function greeter(address: MulticastAddress, errors: ErrorContext): (fd: number) => Endpoint | number {
  const met = new Set<string>()
  return (fd) => {
    const hello = receiveHello(fd)
    if (typeof hello === 'number') return hello
    if (hello?.text !== address.group) return -EPROTO
    const { nonce, host, port } = hello
    let member: Membership | undefined
    try {
      if (!met.has(nonce)) member = membership(address, errors, () => met.delete(nonce))
    } catch (error) {
      return isIpcError(error) ? (error.errno ?? -EPROTO) : -EPROTO // the connector repeats its hello
    }
    met.add(nonce)
    native.socketSendTo(fd, welcome(hello, address.group), AF_INET, host, port)
    return member ?? -EPROTO
  }
}

export default defineAdapter({
  id: 'socket/multicast',
  scheme: 'multicast',
  summary: 'datagrams to every member of a group, which may be lost',
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
  parse: (from) => {
    const { host, port } = inetAddressOf(from)
    const via = from.searchParams.get('interface')
    return via === null ? { group: host, port } : { group: host, port, interface: via }
  },
  format: url,
  temporary: () => ({ group: `239.255.${randomInt(1, 73)}.${randomInt(1, 255)}`, port: randomInt(...TEMPORARY_PORTS) }),

  async listen(address, context) {
    const errors = errorsAt(address)
    return withSockets(errors, (open): Acceptor => {
      // Groups are shared; what a second listener on this machine cannot have is the port beside.
      const claim = open()
      check(native.socketBind(claim, AF_INET, via(address), address.port), 'bind', errors)
      const meeting = open()
      join(meeting, MEETING_GROUP, address, errors)
      sendVia(meeting, address, errors)
      return acceptor(meeting, errors.address, context, errors, greeter(address, errors), () => native.fdClose(claim))
    })
  },

  async connect(address, context) {
    const errors = errorsAt(address)
    if (via(address) === LOOPBACK && isUnclaimed(address, errors)) throw systemError(ECONNREFUSED, 'connect', errors)
    const asking = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket', errors)
    let member: Membership | undefined
    try {
      sendVia(asking, address, errors)
      check(native.socketBind(asking, AF_INET, via(address), 0), 'bind', errors)
      member = membership(address, errors)
      const send = (hello: Uint8Array) => native.socketSendTo(asking, hello, AF_INET, MEETING_GROUP, address.port)
      await sayHello(asking, address.group, send, context.signal, errors)
      return member
    } catch (error) {
      member?.close()
      throw error
    } finally {
      native.fdClose(asking)
    }
  },

  /** A group is no object that could be made, kept or removed: `create`, `mode` and `unlink` have no meaning here. */
  async openReceiver(address) {
    const errors = errorsAt(address)
    return withSockets(errors, (open) => {
      const fd = open()
      join(fd, address.group, address, errors)
      return new MessageSocket(fd, fd, errors)
    })
  },

  async openSender(address) {
    const errors = errorsAt(address)
    return withSockets(errors, (open) => {
      const fd = sender(open(), address, errors)
      return new MessageSocket(fd, fd, errors)
    })
  },
})
