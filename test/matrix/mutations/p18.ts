import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const MSG_PEEK = 2

export default [
  {
    what: 'a signal that comes to the whole process group',
    property: 'P18',
    subject: 'sig',
    rewrite: (made) => (made.name === 'kill' ? call('kill', -Math.abs(Number(made.args[0])), made.args[1] ?? 0) : made),
  },
  {
    what: 'a post of two permits',
    property: 'P18',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semop' && made.args[2] === 1 ? call('semop', made.args[0] ?? 0, 0, 2, 0) : made),
  },
  {
    what: 'readers that leave in the socket what they read',
    property: 'P18',
    subject: 'udp',
    rewrite: (made) => (made.name === 'recv' ? call('recv', ...made.args.slice(0, 2), MSG_PEEK) : made),
  },
] satisfies readonly Mutation[]
