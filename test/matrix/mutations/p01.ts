import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'keys that are another process’s own matter',
    property: 'P01',
    subject: 'svmq',
    rewrite: (made, role) =>
      made.name === 'msgget' && role === 'stranger' ? { ...made, args: [Number(made.args[0]) + 1, ...made.args.slice(1)] } : made,
  },
  {
    what: 'a pipe that the kernel’s word for it leads to',
    property: 'P01',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'open' ? call('open', '/dev/null', ...made.args.slice(1)) : made),
  },
] satisfies readonly Mutation[]
