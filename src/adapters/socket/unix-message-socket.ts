/** Unix sockets that keep messages. unix(7) */
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

/** One end of a connection, or of a connected pair: who sends is known, where it is known at all. */
export class UnixMessageSocket extends MessageSocket {
  constructor(fd: number, errors: ErrorContext, peer?: Credentials) {
    check(native.socketSetOption(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER), 'setsockopt', errors)
    super(fd, fd, errors, { payload: payloadOf(fd), peer })
  }

  override get lastFrom(): Credentials | undefined {
    return this.peer
  }
}

/** From now on the kernel attaches the sender's credentials to what comes; of what had come it knows nobody. */
export const attest = (fd: number, errors: ErrorContext): number =>
  check(native.socketSetOption(fd, SOL_SOCKET, SO_PASSCRED, 1), 'setsockopt', errors)

/** A socket to which anybody may send; each message tells who did. `attest` comes first. */
export class AttestedSocket extends UnixMessageSocket {
  override get lastFrom(): Credentials | undefined {
    return this.credentials()
  }
}

/** A connection of sequenced packets. */
export class SeqpacketSocket extends UnixMessageSocket {
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
