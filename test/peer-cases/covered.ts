/** Peer assertions that a cell of the matrix observes, and which. */
import type { SubjectKey } from 'ipc-playground/matrix'

export type CellOf = readonly [property: `P${number}`, subject: SubjectKey]

export const covered: Readonly<Record<string, readonly CellOf[]>> = {
  'LTP mq_send/3-1': [['P11', 'pmq']],
  'LTP mq_send/3-2': [['P11', 'pmq']],
  'LTP mq_send/7-1': [['P14', 'pmq']],
  'LTP mq_send/10-1': [['P14', 'pmq']],
  'LTP mq_send/2-1': [['P07', 'pmq']],
  'LTP mq_send/14-1': [['P07', 'pmq']],
  'LTP mq_open/15-1': [['P03', 'pmq']],
  'LTP mq_open/16-1': [['P03', 'pmq']],
  'LTP sem_open/2-1': [['P03', 'psem']],
  'LTP sem_open/2-2': [['P03', 'psem']],
  'LTP shm_open/5-1': [
    ['P01', 'pshm'],
    ['P05', 'pshm'],
  ],
  'LTP shm_open/22-1': [['P03', 'pshm']],
  'LTP shm_unlink/2-1': [['P21', 'pshm']],
  'LTP shm_unlink/3-1': [['P21', 'pshm']],
  'LTP sigqueue/9-1': [['P14', 'rtsig']],
  'LTP sigqueue/3-1': [['P32', 'rtsig']],
  'LTP sigqueue/12-1': [['P32', 'rtsig']],
  'LTP sigtimedwait/2-1': [
    ['P15', 'sig'],
    ['P15', 'rtsig'],
  ],
  'LTP sigtimedwait/6-1': [
    ['P15', 'rtsig'],
    ['P40', 'rtsig'],
  ],
  'LTP semop/semop03': [
    ['P39', 'svsem'],
    ['P23', 'svsem'],
  ],
}
