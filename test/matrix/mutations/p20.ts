import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'segments that only who made them finds',
    property: 'P20',
    subject: 'svshm',
    rewrite: (made, role) =>
      made.name === 'shmget' && role === 'newcomer' ? { ...made, args: [Number(made.args[0]) + 1, ...made.args.slice(1)] } : made,
  },
  {
    what: 'a FIFO that is a regular file',
    property: 'P20',
    subject: 'fifo',
    rewrite: (made) => (made.name === 'mkfifo' ? call('open', made.args[0] ?? '', constants.O_CREAT, 0o600) : made),
  },
] satisfies readonly Mutation[]
