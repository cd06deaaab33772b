import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const SO_PASSCRED = 16

export default [
  {
    what: 'a receiver that does not ask for credentials',
    property: 'P33',
    subject: 'udgram',
    rewrite: (made) => (made.name === 'setsockopt' && (made.args[2] as { value?: number }).value === SO_PASSCRED ? call('getpid') : made),
  },
  {
    what: 'a semaphore that remembers another process',
    property: 'P33',
    subject: 'svsem',
    rewrite: (made, role) => (made.name === 'semop' && role === 'another sender' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
