/** The 17 subjects, in the order of the oracle's tables. */
import type { SubjectKey } from '../vocabulary.js'
import { mcast, udgram, udp } from './datagram-sockets.js'
import { fifo } from './fifo.js'
import { memfd, pshm, svshm } from './memory.js'
import { pipe } from './pipe.js'
import { pmq } from './posix-queue.js'
import { psem } from './posix-semaphore.js'
import { rtsig, sig } from './signals.js'
import { tcp, useq, ustream } from './stream-sockets.js'
import type { Subject } from './subject.js'
import { svmq } from './sysv-queue.js'
import { svsem } from './sysv-semaphore.js'

export const subjectByKey: Readonly<Record<SubjectKey, Subject>> = {
  pipe,
  fifo,
  psem,
  svsem,
  pmq,
  svmq,
  sig,
  rtsig,
  pshm,
  svshm,
  memfd,
  ustream,
  udgram,
  useq,
  tcp,
  udp,
  mcast,
}

export const subjects: readonly Subject[] = Object.values(subjectByKey)
