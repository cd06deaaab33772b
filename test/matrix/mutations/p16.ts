import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'
import { queuing } from './queuing.js'

export default [
  { what: 'a standard signal that queues', property: 'P16', subject: 'sig', rewrite: queuing },
  {
    what: 'a queue in which later messages overtake earlier ones',
    property: 'P16',
    subject: 'pmq',
    rewrite: (made) => (made.name === 'mq_send' ? call('mq_send', ...made.args.slice(0, 2), made.args[1] ?? 0) : made),
  },
  {
    what: 'a post that is at most one',
    property: 'P16',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semop' && made.args[2] === 1 ? call('semctl', made.args[0] ?? -1, 0, 16, 1) : made),
  },
  {
    what: 'memory that keeps what was stored first',
    property: 'P16',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'store' ? call('store', made.args[0] ?? 0, new Uint8Array(4)) : made),
  },
] satisfies readonly Mutation[]
