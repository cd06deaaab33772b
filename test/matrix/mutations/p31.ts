import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a reader that forgets to close its copy of the writing end',
    property: 'P31',
    subject: 'pipe',
    rewrite: (made, role) => (made.name === 'close' && role === 'receiver' ? call('getpid') : made),
  },
  {
    what: 'a network that is not cut',
    property: 'P31',
    subject: 'tcp',
    rewrite: (made) => (made.name === 'interface_down' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
