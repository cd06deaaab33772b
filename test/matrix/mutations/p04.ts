import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a FIFO that each opens for both ways',
    property: 'P04',
    subject: 'fifo',
    rewrite: (made) => (made.name === 'open' ? call('open', made.args[0] ?? '', constants.O_RDWR, 0) : made),
  },
  {
    what: 'a parent that never asks for the end of its child',
    property: 'P04',
    subject: 'sig',
    rewrite: (made) => (made.name === 'wait' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
