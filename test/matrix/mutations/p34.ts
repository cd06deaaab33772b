import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a sender of the bytes alone',
    property: 'P34',
    subject: 'ustream',
    rewrite: (made) => (made.name === 'send_rights' ? call('send', ...made.args.slice(0, 2), 0) : made),
  },
  {
    what: 'a receiver that does not look at what comes with a message',
    property: 'P34',
    subject: 'useq',
    rewrite: (made) => (made.name === 'recvmsg' ? { ...made, name: 'recv' } : made),
  },
] satisfies readonly Mutation[]
