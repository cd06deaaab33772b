/** A listening socket as Node's own modules make none: to be shared with others at the same port, or handed on. socket(7) SO_REUSEPORT */
import { AF_INET, native, SOCK_STREAM, SOL_SOCKET } from '../../../src/adapters/socket/native.js'
import { check } from '../../../src/core/errors.js'
import { ADDRESS, BACKLOG } from './wire.js'

const SO_REUSEPORT = 15

/** Its descriptor, which is the caller's. With `shared` others that say so too listen at the same port; the kernel deals connections out. */
export function listening(port: number, shared = false): number {
  const descriptor = check(native.socketOpen(AF_INET, SOCK_STREAM, 0), 'socket')
  if (shared) check(native.socketSetOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1), 'setsockopt')
  check(native.socketBind(descriptor, AF_INET, ADDRESS, port), 'bind')
  check(native.socketListen(descriptor, BACKLOG), 'listen')
  return descriptor
}
