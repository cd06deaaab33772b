/** A socket that keeps messages: sequenced packets and datagrams. recvmmsg(2), sendmmsg(2) */
import type { Credentials } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import { MessageEndpoint, type MessageOptions } from '../../core/message-endpoint.js'
import { native, SOCKADDR_BYTES } from './native.js'

// One for all sockets of this environment.
const address = new Uint8Array(SOCKADDR_BYTES)

/** An address as the kernel writes it, to compare with that of a message. */
export const addressBytes = (family: number, host: string, port: number): Uint8Array =>
  address.slice(0, native.socketAddress(address, family, host, port))

/** `host:port`, with brackets where the host has colons. */
export const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** One datagram outside any channel: its length or -errno, and its sender. */
export function receiveDatagram(fd: number, target: Uint8Array): { length: number; host: string; port: number } {
  const length = native.socketReceiveFrom(fd, target, address)
  if (length < 0) return { length, host: '', port: 0 }
  const [host, port] = native.socketAddressText(address).split(' ')
  return { length: Math.min(length, target.length), host: host ?? '', port: Number(port) }
}

export interface MessageSocketOptions extends Pick<MessageOptions, 'only' | 'except'> {
  readonly payload?: { readonly min: number; readonly max: number }
  readonly peer?: Credentials | undefined
}

/** Messages over one socket, or over one a direction. A datagram socket has no end to tell. */
export class MessageSocket extends MessageEndpoint {
  declare readonly payload?: { readonly min: number; readonly max: number }

  constructor(readFd: number, writeFd: number, errors: ErrorContext, { payload, peer, ...options }: MessageSocketOptions = {}) {
    super(readFd, writeFd, errors, options)
    this.peer = peer
    if (payload !== undefined) this.payload = Object.freeze(payload)
  }

  /** Valid until the next receive: whoever wants it asks at once. */
  get lastFrom(): Credentials | string | undefined {
    this.senderInto(address)
    const [host, port] = native.socketAddressText(address).split(' ')
    return hostPort(host ?? '', Number(port))
  }
}
