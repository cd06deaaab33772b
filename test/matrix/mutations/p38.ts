import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a semaphore that sends a signal as well',
    property: 'P38',
    subject: 'psem',
    rewrite: (made, role) => (role === 'receiver' && made.name === 'sigtimedwait' ? call('getpid') : made),
  },
  {
    what: 'a queue that tells everybody',
    property: 'P38',
    subject: 'pmq',
    rewrite: (made, role) => (role === 'sender' && made.name === 'mq_notify' ? call('getpid') : made),
  },
  {
    what: 'a signal that nobody minds',
    property: 'P38',
    subject: 'sig',
    rewrite: (made) => (made.name === 'handle' ? call('ignore', made.args[0] ?? 0) : made),
  },
] satisfies readonly Mutation[]
