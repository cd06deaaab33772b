import { call } from 'ipc-playground/matrix'
import { type Mutation, without } from './mutation.js'

const MAP_PRIVATE = 2

export default [
  {
    what: 'a mapping of its own',
    property: 'P35',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'mmap' ? { ...made, args: [...made.args.slice(0, 3), MAP_PRIVATE] } : made),
  },
  { what: 'a parent that owes nothing', property: 'P35', subject: 'svsem', rewrite: without('semop', 'SEM_UNDO') },
  {
    what: "flags that are each process's own",
    property: 'P35',
    subject: 'pipe',
    rewrite: (made, role) => (made.name === 'fcntl' && role === 'child of the receiver' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
