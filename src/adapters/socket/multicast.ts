/**
 * UDP multicast: every member of a group gets what any member sends. ip(7)
 *
 * A channel is a membership: `listen` and `connect` both join, and the listener's server yields its one
 * membership as soon as somebody else is a member too. The group carries nothing but messages; members
 * meet in another group at the same port, where connectors say hello and listeners answer. A message
 * may be lost, and nobody learns who is gone.
 */
import { randomInt } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { constants } from 'node:os'
import { type Acceptor, defineAdapter, type Endpoint } from '../../core/adapter.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { addonError } from '../../native/index.js'
import { receiveHello, sayHello, welcome } from './hello.js'
import { boundTo, inetAddressOf, LOOPBACK } from './inet-address.js'
import { acceptor } from './listener.js'
import { addressWords, MessageSocket } from './message-socket.js'
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

const { EPROTO } = constants.errno
/** Where members of all groups meet, at their group's port. */
const MEETING_GROUP = '239.255.73.80'
/** Below the ports that Linux gives out by itself (net.ipv4.ip_local_port_range). */
const TEMPORARY_PORTS = [20_000, 32_000] as const

function url({ group, port, interface: via = LOOPBACK }: MulticastAddress): string {
  if (!isInet4(group) || !isGroup(group)) throw new TypeError(`group must be 224.0.0.0 to 239.255.255.255, not ${JSON.stringify(group)}`)
  if (group === MEETING_GROUP) throw new TypeError(`${MEETING_GROUP} is where members meet; choose another group`)
  if (!isInet4(via)) throw new TypeError(`interface must be an IPv4 address, not ${JSON.stringify(via)}`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`port must be 1 to 65535, not ${port}`)
  return `multicast://${group}:${port}${via === LOOPBACK ? '' : `?interface=${via}`}`
}

const isInet4 = (text: unknown): text is string => typeof text === 'string' && isIPv4(text)
const isGroup = (group: string): boolean => {
  const first = Number(group.split('.')[0])
  return first >= 224 && first <= 239
}

const errorsAt = (address: MulticastAddress) => ({ adapter: 'socket/multicast', address: url(address) }) as const

/** Sockets that belong together: closed, last first, where making what they are for fails. */
async function withSockets<T>(errors: ErrorContext, make: (open: () => number) => T | Promise<T>): Promise<T> {
  const fds: number[] = []
  try {
    return await make(() => {
      const fd = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket', errors)
      fds.push(fd)
      return fd
    })
  } catch (error) {
    for (const fd of fds.reverse()) native.fdClose(fd)
    throw error
  }
}

/** Hears one group. Bound to the group, it gets no datagram for another at the same port. */
function join(fd: number, group: string, { port, interface: via = LOOPBACK }: MulticastAddress, errors: ErrorContext): void {
  check(native.socketSetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1), 'setsockopt', errors)
  check(native.socketSetOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), 'setsockopt', errors)
  check(native.socketBind(fd, AF_INET, group, port), 'bind', errors)
  check(native.socketMulticast(fd, IP_ADD_MEMBERSHIP, group, via), 'setsockopt', errors)
  roomForBursts(fd)
}

/** Sends through one interface, to members on this machine too. */
function sendVia(fd: number, { interface: via = LOOPBACK }: MulticastAddress, errors: ErrorContext): void {
  check(native.socketMulticast(fd, IP_MULTICAST_IF, '0.0.0.0', via), 'setsockopt', errors)
  check(native.socketSetOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1), 'setsockopt', errors)
}

function sender(fd: number, address: MulticastAddress, errors: ErrorContext): number {
  sendVia(fd, address, errors)
  check(native.socketConnect(fd, AF_INET, address.group, address.port), 'connect', errors)
  return fd
}

/** Hears the group and sends to it; what it sent itself it does not hear. */
function membership(open: () => number, address: MulticastAddress, errors: ErrorContext): MessageSocket {
  const receiving = open()
  join(receiving, address.group, address, errors)
  const sending = sender(open(), address, errors)
  const own = boundTo(sending)
  return new MessageSocket(receiving, sending, errors, { except: addressWords(AF_INET, own.host, own.port) })
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

  listen(address, context) {
    const errors = errorsAt(address)
    return withSockets(errors, (open): Acceptor => {
      const meeting = open()
      join(meeting, MEETING_GROUP, address, errors)
      sendVia(meeting, address, errors)
      const member = membership(open, address, errors)
      let alone = true
      const greet = (fd: number): Endpoint | number => {
        const hello = receiveHello(fd)
        if (typeof hello === 'number') return hello
        if (hello?.text !== address.group) return -EPROTO
        native.socketSendTo(fd, welcome(hello, address.group), AF_INET, hello.host, hello.port)
        if (!alone) return -EPROTO
        alone = false
        return member
      }
      return acceptor(meeting, errors.address, context, errors, greet, () => {
        if (alone) member.close()
      })
    })
  },

  connect(address, context) {
    const errors = errorsAt(address)
    return withSockets(errors, async (open) => {
      const member = membership(open, address, errors)
      const meeting = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket', errors)
      try {
        sendVia(meeting, address, errors)
        check(native.socketBind(meeting, AF_INET, address.interface ?? LOOPBACK, 0), 'bind', errors)
        const send = (hello: Uint8Array) => native.socketSendTo(meeting, hello, AF_INET, MEETING_GROUP, address.port)
        await sayHello(meeting, address.group, send, context.signal, errors)
        return member
      } finally {
        native.fdClose(meeting)
      }
    })
  },

  /** A group is no object that could be made, kept or removed: `create`, `mode` and `unlink` have no meaning here. */
  openReceiver(address) {
    const errors = errorsAt(address)
    return withSockets(errors, (open) => {
      const fd = open()
      join(fd, address.group, address, errors)
      return new MessageSocket(fd, fd, errors)
    })
  },

  openSender(address) {
    const errors = errorsAt(address)
    return withSockets(errors, (open) => {
      const fd = sender(open(), address, errors)
      return new MessageSocket(fd, fd, errors)
    })
  },
})
