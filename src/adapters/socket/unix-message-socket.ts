/** Unix sockets that keep messages. The kernel attaches the sender's credentials to each: SO_PASSCRED, unix(7). */
import type { Credentials } from '../../core/channel.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { MessageSocket } from './message-socket.js'
import { native, SHUT_RDWR, SHUT_WR, SO_PASSCRED, SO_SNDBUF, SOL_SOCKET } from './native.js'

/** What one message may have where the administrator left net.core.wmem_max at its default or raised it. */
export const MAX_MESSAGE = 128 * 1024
/** The kernel's own part of the send buffer in the check of a message's length. */
const OVERHEAD = 32
/** Doubled by the kernel, and bounded by net.core.wmem_max. */
const SEND_BUFFER = 212_992

const payloadOf = (fd: number): { min: number; max: number } => ({
  min: 0,
  max: Math.min(MAX_MESSAGE, Math.max(0, native.socketGetOption(fd, SOL_SOCKET, SO_SNDBUF) - OVERHEAD)),
})

/** A socket of datagrams. Who sends is told by each message. */
export class UnixDatagramSocket extends MessageSocket {
  constructor(fd: number, errors: ErrorContext, peer?: Credentials) {
    check(native.socketSetOption(fd, SOL_SOCKET, SO_PASSCRED, 1), 'setsockopt', errors)
    check(native.socketSetOption(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER), 'setsockopt', errors)
    super(fd, fd, errors, { payload: payloadOf(fd), peer })
  }

  protected override sender(): Credentials | string | undefined {
    return this.credentials()
  }
}

/** One end of a connected pair of datagram sockets. The peer is whoever the first message is from, unless it is known. */
export class UnixDatagramPair extends UnixDatagramSocket {
  protected override received(): void {
    this.peer ??= this.credentials()
  }
}

/** A connection of sequenced packets, or an end of a pair; the peer is whoever the first message is from, unless it is known. A record of no bytes comes with credentials, the end comes without. */
export class SeqpacketSocket extends UnixDatagramPair {
  protected override isEnd(): boolean {
    return this.credentials() === undefined
  }

  override end(): void {
    native.socketShutdown(this.readFd, SHUT_WR)
  }

  /** Unread input would turn the peer's end into a reset. */
  override close(): void {
    if (this.readFd >= 0) {
      native.socketShutdown(this.readFd, SHUT_RDWR)
      native.socketDiscard(this.readFd)
    }
    super.close()
  }
}
