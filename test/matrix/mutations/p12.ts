import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'
import { queuing } from './queuing.js'

export default [
  {
    what: 'a pipe that counts bytes rather than pages',
    property: 'P12',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'write' ? call('write', made.args[0] ?? -1, { fill: 0, length: 64 }) : made),
  },
  {
    what: 'a queue that does not heed the defaults of the system',
    property: 'P12',
    subject: 'pmq',
    rewrite: (made) => (made.name === 'mq_open' ? { ...made, args: [...made.args.slice(0, 3), 3, 100] } : made),
  },
  { what: 'a standard signal that queues', property: 'P12', subject: 'sig', rewrite: queuing },
  {
    what: 'signals without a limit',
    property: 'P12',
    subject: 'rtsig',
    rewrite: (made) => (made.name === 'setrlimit' ? call('getrlimit', made.args[0] ?? 0) : made),
  },
] satisfies readonly Mutation[]
