import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a pipe that raises no signal',
    property: 'P26',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'handle' ? call('ignore', made.args[0] ?? 0) : made),
  },
  {
    what: 'a parent that never asks for the end of its child',
    property: 'P26',
    subject: 'sig',
    rewrite: (made) => (made.name === 'wait' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
