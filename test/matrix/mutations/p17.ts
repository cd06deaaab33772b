import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a receiver that has half of each message',
    property: 'P17',
    subject: 'useq',
    rewrite: (made) => (made.name === 'recv' ? call('recv', made.args[0] ?? -1, 64, 0) : made),
  },
  {
    what: 'an array of semaphores that is changed one by one',
    property: 'P17',
    subject: 'svsem',
    rewrite: (made) =>
      made.name === 'semop' && made.args[2] === -1 && made.args.length > 4 ? call('semop', ...made.args.slice(0, 4)) : made,
  },
  {
    what: 'a block that is stored whole',
    property: 'P17',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'contend' ? call('contend', made.args[0] ?? 0, 1, ...made.args.slice(2)) : made),
  },
] satisfies readonly Mutation[]
