import type { Mutation } from './mutation.js'

const QUEUING = 40

export default [
  {
    what: 'a standard signal that queues',
    property: 'P13',
    subject: 'sig',
    rewrite: (made) => {
      const first = made.args[0] ?? 0
      if (made.name === 'kill') return { name: 'sigqueue', args: [first, QUEUING, 0] }
      return made.name === 'sigtimedwait' || made.name === 'sigprocmask' ? { ...made, args: [first, QUEUING] } : made
    },
  },
] satisfies readonly Mutation[]
