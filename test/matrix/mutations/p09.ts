import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const [AF_UNIX, SOCK_STREAM] = [1, 1]

export default [
  {
    what: 'records over a stream socket',
    property: 'P09',
    subject: 'useq',
    rewrite: (made) => (made.name === 'socket' ? call('socket', AF_UNIX, SOCK_STREAM, 0) : made),
  },
] satisfies readonly Mutation[]
