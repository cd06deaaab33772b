import { symbols } from '../../native/index.js'

/** socket(7) and what belongs to it. Addresses are (family, host or path, port); a path that begins with '@' is abstract. */
interface SocketNative {
  socketOpen(domain: number, type: number, protocol: number): number
  /** `ends` becomes the two ends of a connected pair of unix sockets. */
  socketPair(type: number, ends: Int32Array): number
  socketBind(fd: number, family: number, host: string, port: number): number
  socketConnect(fd: number, family: number, host: string, port: number): number
  socketListen(fd: number, backlog: number): number
  socketAccept(fd: number): number
  socketShutdown(fd: number, how: number): number
  socketError(fd: number): number
  socketSetOption(fd: number, level: number, name: number, value: number): number
  socketGetOption(fd: number, level: number, name: number): number
  socketMulticast(fd: number, option: number, group: string, networkInterface: string): number
  /** `out` becomes pid, uid, gid. */
  socketCredentials(fd: number, out: Int32Array): number
  /** `'host port'`, or the path; -errno. */
  socketName(fd: number): string | number
  /** Writes an address as the kernel would; its length. */
  socketAddress(out: Uint8Array, family: number, host: string, port: number): number
  /** An inet address in `SOCKADDR_BYTES`: `'host port'`. */
  socketAddressText(address: Uint8Array): string
  socketSend(fd: number, data: Uint8Array): number
  socketSendTo(fd: number, data: Uint8Array, family: number, host: string, port: number): number
  /** One datagram of an inet socket, of which `target` may get a part: its length. `address` has `SOCKADDR_BYTES`. */
  socketReceiveFrom(fd: number, target: Uint8Array, address: Uint8Array): number
  /** One message with two descriptors attached. */
  socketGive(fd: number, data: Uint8Array, given: Int32Array): number
  /** `taken` becomes the two descriptors that came with a message of exactly these bytes; -EPROTO where something else came. */
  socketTake(fd: number, data: Uint8Array, type: number, taken: Int32Array): number
  socketDiscard(fd: number): number
}

export const native = symbols<SocketNative>()

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_SEQPACKET = 5
export const SHUT_WR = 1
export const SHUT_RDWR = 2
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_PASSCRED = 16
export const IPPROTO_IP = 0
export const IP_MULTICAST_IF = 32
export const IP_MULTICAST_LOOP = 34
export const IP_ADD_MEMBERSHIP = 35
export const IP_MULTICAST_ALL = 49
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
/** Room for any address: sizeof(struct sockaddr_storage). */
export const SOCKADDR_BYTES = 128
