import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'
import { queuing } from './queuing.js'

const SETVAL = 16

export default [
  { what: 'a standard signal that queues', property: 'P14', subject: 'sig', rewrite: queuing },
  {
    what: 'signals without a limit',
    property: 'P14',
    subject: 'rtsig',
    rewrite: (made) => (made.name === 'setrlimit' ? call('getrlimit', made.args[0] ?? 0) : made),
  },
  {
    what: 'a semaphore with a permit that nobody posted',
    property: 'P14',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semctl' ? call('semctl', made.args[0] ?? -1, 0, SETVAL, 1) : made),
  },
  {
    what: 'a queue that forgets its oldest message where it is full',
    property: 'P14',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgrcv' ? call('msgrcv', made.args[0] ?? -1, 0, 0, 0o14000) : made),
  },
] satisfies readonly Mutation[]
