import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a mode that is set whatever the umask is',
    property: 'P32',
    subject: 'fifo',
    rewrite: (made) => (made.name === 'umask' ? call('umask', 0) : made),
  },
  {
    what: 'a socket that opens whatever its folder is',
    property: 'P32',
    subject: 'udgram',
    rewrite: (made) => (made.name === 'mkdir' ? { ...made, args: [made.args[0] ?? '', 0o711] } : made),
  },
  {
    what: 'a capability that is never given up',
    property: 'P32',
    subject: 'sig',
    rewrite: (made) => (made.name === 'drop_capability' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
