import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const [AF_UNIX, SOCK_STREAM] = [1, 1]
const SEM_UNDO = 0x1000
const TAKE = -1

export default [
  {
    what: 'a writer whose stores go through at once',
    property: 'P29',
    subject: 'pshm',
    rewrite: (made) => (made.args[1] === 'new' ? call('store', made.args[0] ?? 0, 'newnew') : made),
  },
  {
    what: 'a semaphore whose permits come back',
    property: 'P29',
    subject: 'svsem',
    rewrite: (made, role) =>
      made.name === 'semop' && role === 'sender' && made.args[2] === TAKE ? { ...made, args: [...made.args.slice(0, 3), SEM_UNDO] } : made,
  },
  {
    what: 'records over a stream socket',
    property: 'P29',
    subject: 'useq',
    rewrite: (made) => (made.name === 'socket' ? call('socket', AF_UNIX, SOCK_STREAM, 0) : made),
  },
] satisfies readonly Mutation[]
