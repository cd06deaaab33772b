import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const SHUT_WR = 1

export default [
  {
    what: 'a queue whose removal nobody notices',
    property: 'P23',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgctl' ? call('getpid') : made),
  },
  {
    what: 'a shutdown of the other half',
    property: 'P23',
    subject: 'ustream',
    rewrite: (made) => (made.name === 'shutdown' ? call('shutdown', made.args[0] ?? 0, SHUT_WR) : made),
  },
] satisfies readonly Mutation[]
