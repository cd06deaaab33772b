import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a name that stays until the last close',
    property: 'P21',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'shm_unlink' ? call('getpid') : made),
  },
  {
    what: 'a queue that is not destroyed',
    property: 'P21',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgctl' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
