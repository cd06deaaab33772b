import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'memory that can become ready',
    property: 'P37',
    subject: 'memfd',
    rewrite: (made) => (made.name === 'memfd_create' ? call('eventfd', 0, 0) : made),
  },
  {
    what: 'a semaphore that keeps its descriptor',
    property: 'P37',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semget' ? call('eventfd', 0, 0) : made.name === 'semctl' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
