/** Descriptors that come to this process from those of a story. */
import { check } from '../core/errors.js'
import { native } from '../native/index.js'

/** Our own descriptor for what a process of ours has open. pidfd_getfd(2) */
export function takeDescriptor(pid: number, fd: number): number {
  const process = check(native.pidfdOpen(pid), 'pidfd_open')
  try {
    return check(native.pidfdTake(process, fd), 'pidfd_getfd')
  } finally {
    native.fdClose(process)
  }
}
