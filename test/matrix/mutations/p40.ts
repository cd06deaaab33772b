import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a limit that is over at once',
    property: 'P40',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semtimedop' ? { ...made, args: [made.args[0] ?? 0, 0, ...made.args.slice(2)] } : made),
  },
  {
    what: 'a poll that comes too early',
    property: 'P40',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'poll' ? { ...made, args: [...made.args.slice(0, 2), 1] } : made),
  },
] satisfies readonly Mutation[]
