/** Options of a socket that a program of the story has open, set from outside: the program knows nothing of it. */
import { readlinkSync } from 'node:fs'
import { native as sockets } from '../adapters/socket/native.js'
import { check } from '../core/errors.js'
import { native } from '../native/index.js'
import type { Constant } from '../stage/call.js'
import { descriptorsOf } from '../stage/kernel.js'
import { takeDescriptor } from './descriptor.js'

/** Sets options of the socket with this inode, which the process has open. @throws Error where it has not */
export function setOptionsOf(
  pid: number,
  inode: number,
  options: readonly (readonly [level: Constant, name: Constant, value: number])[],
): void {
  const fd = descriptorsOf(pid).find((one) => readlinkSync(`/proc/${pid}/fd/${one}`) === `socket:[${inode}]`)
  if (fd === undefined) throw new Error(`process ${pid} has no socket ${inode}`)
  const ours = takeDescriptor(pid, fd)
  try {
    for (const [level, name, value] of options)
      check(sockets.socketSetOption(ours, level.value, name.value, value), `setsockopt ${name.text}`)
  } finally {
    native.fdClose(ours)
  }
}
