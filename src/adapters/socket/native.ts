import { symbols } from '../../native/index.js'

/** socket(7) and what belongs to it. Addresses are (family, host or path, port); a path that begins with '@' is abstract. */
interface SocketNative {
  socketOpen(domain: number, type: number, protocol: number): number
  socketBind(fd: number, family: number, host: string, port: number): number
  socketConnect(fd: number, family: number, host: string, port: number): number
  socketListen(fd: number, backlog: number): number
  socketAccept(fd: number): number
  socketShutdown(fd: number, how: number): number
  socketError(fd: number): number
  socketSetOption(fd: number, level: number, name: number, value: number): number
  socketGetOption(fd: number, level: number, name: number): number
  /** `out` becomes pid, uid, gid. */
  socketCredentials(fd: number, out: Int32Array): number
  /** `'host port'`, or the path; -errno. */
  socketName(fd: number): string | number
  socketSend(fd: number, data: Uint8Array): number
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
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
