import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const MSG_NOERROR = 0o10000
const IPC_NOWAIT = 0o4000

export default [
  {
    what: 'a queue that turns priorities round',
    property: 'P11',
    subject: 'pmq',
    rewrite: (made) => {
      const [queue = -1, text = '', priority] = made.args
      return made.name === 'mq_send' && (priority === 0 || priority === 32_767) ? call('mq_send', queue, text, 32_767 - priority) : made
    },
  },
  {
    what: 'a queue that ignores the type that is asked for',
    property: 'P11',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgrcv' ? call('msgrcv', ...made.args.slice(0, 2), 0, IPC_NOWAIT | MSG_NOERROR) : made),
  },
  {
    what: 'signals that come in the order of their sending',
    property: 'P11',
    subject: 'rtsig',
    rewrite: (made) => (made.name === 'sigqueue' ? call('sigqueue', made.args[0] ?? 0, 35, 0) : made),
  },
] satisfies readonly Mutation[]
