import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a pipe in packet mode',
    property: 'P06',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'pipe2' ? call('pipe2', constants.O_DIRECT) : made),
  },
] satisfies readonly Mutation[]
