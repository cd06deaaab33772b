import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a FIFO that is a regular file',
    property: 'P02',
    subject: 'fifo',
    rewrite: (made) => (made.name === 'mkfifo' ? call('open', made.args[0] ?? '', constants.O_CREAT, 0o600) : made),
  },
  {
    what: 'a listener that has an address and does not listen',
    property: 'P02',
    subject: 'tcp',
    rewrite: (made) => (made.name === 'listen' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
