import type { Mutation } from './mutation.js'

const [MAP_PRIVATE, SEM_UNDO] = [2, 0x1000]

export default [
  {
    what: 'posts that are undone with their process',
    property: 'P22',
    subject: 'svsem',
    rewrite: (made, role) => (made.name === 'semop' && role === 'sender' ? { ...made, args: [...made.args.slice(0, 3), SEM_UNDO] } : made),
  },
  {
    what: 'a mapping of the writer’s own',
    property: 'P22',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'mmap' ? { ...made, args: [...made.args.slice(0, 3), MAP_PRIVATE] } : made),
  },
] satisfies readonly Mutation[]
