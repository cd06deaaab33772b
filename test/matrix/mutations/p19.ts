import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a reader that looks, rather than waits',
    property: 'P19',
    subject: 'psem',
    rewrite: (made) => (made.name === 'sem_wait' ? call('sem_trywait', ...made.args) : made),
  },
  {
    what: 'a reader that asks whether there is something, and does not wait',
    property: 'P19',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'read' ? call('poll', made.args[0] ?? -1, 1, 0) : made),
  },
  {
    what: 'a load that waits',
    property: 'P19',
    subject: 'svshm',
    rewrite: (made) => (made.name === 'load' ? call('futex_wait', made.args[0] ?? 0, 0, -1) : made),
  },
] satisfies readonly Mutation[]
