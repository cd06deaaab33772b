/** Pairs of pipes that a child inherits. */
import type { Endpoint, InheritOffer } from '../../core/adapter.js'
import { check, type ErrorContext } from '../../core/errors.js'
import { native } from '../../native/index.js'

type Over = (readFd: number, writeFd: number) => Endpoint

/** The four ends of two pipes; `flags` as for pipe2(2). Node hands the child's to it. */
export function offerPipes(flags: number, context: ErrorContext, over: Over): InheritOffer {
  const toChild = new Int32Array(2)
  const toParent = new Int32Array(2)
  check(native.fdPipe(flags, toChild), 'pipe2', context)
  const second = native.fdPipe(flags, toParent)
  if (second < 0) {
    for (const fd of toChild) native.fdClose(fd)
    check(second, 'pipe2', context)
  }
  const [childRead, parentWrite] = toChild as unknown as [number, number]
  const [parentRead, childWrite] = toParent as unknown as [number, number]
  return {
    descriptors: [childRead, childWrite],
    attach() {
      native.fdClose(childRead)
      native.fdClose(childWrite)
      native.fdSetNonblock(parentRead, 1)
      native.fdSetNonblock(parentWrite, 1)
      return over(parentRead, parentWrite)
    },
    abandon() {
      for (const fd of [childRead, childWrite, parentRead, parentWrite]) native.fdClose(fd)
    },
  }
}

/** The child's side: the descriptors in the order offered. */
export function joinPipes(first: number, context: ErrorContext, over: Over): Endpoint {
  const readFd = check(native.fdAdopt(first), 'fcntl', context, 'the inherited pipe is not there')
  return over(readFd, check(native.fdAdopt(first + 1), 'fcntl', context, 'the inherited pipe is not there'))
}
