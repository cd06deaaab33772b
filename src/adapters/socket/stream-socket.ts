/** A connected stream socket as an endpoint. */

import type { Credentials } from '../../core/channel.js'
import { StreamEndpoint } from '../../core/descriptor-endpoint.js'
import type { ErrorContext } from '../../core/errors.js'
import { native, SHUT_RDWR, SHUT_WR } from './native.js'

export class StreamSocket extends StreamEndpoint {
  constructor(fd: number, context: ErrorContext, peer?: Credentials) {
    super(fd, fd, context)
    this.peer = peer
  }

  override end(): void {
    native.socketShutdown(this.readFd, SHUT_WR)
  }

  /** Unread input would turn the peer's end into a reset: unix(7), and RFC 9293 3.6.1 for TCP. */
  override close(): void {
    if (this.readFd >= 0) {
      native.socketShutdown(this.readFd, SHUT_RDWR)
      native.socketDiscard(this.readFd)
    }
    super.close()
  }
}
