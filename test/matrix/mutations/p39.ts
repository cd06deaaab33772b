import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a handler without SA_RESTART',
    property: 'P39',
    subject: 'pipe',
    rewrite: (made) => (made.name === 'handle' ? { ...made, args: [made.args[0] ?? 0, 0, 0] } : made),
  },
  {
    what: 'a queue that does not wait',
    property: 'P39',
    subject: 'pmq',
    rewrite: (made) =>
      made.name === 'mq_open'
        ? { ...made, args: [made.args[0] ?? '', constants.O_NONBLOCK | constants.O_CREAT | constants.O_RDWR, ...made.args.slice(2)] }
        : made,
  },
  {
    what: 'a futex without a limit',
    property: 'P39',
    subject: 'pshm',
    rewrite: (made) => (made.name === 'futex_wait' ? call('futex_wait', ...made.args.slice(0, 2), -1) : made),
  },
] satisfies readonly Mutation[]
