import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const MAP_PRIVATE = 2

export default [
  {
    what: 'a FIFO whose ends are for both ways',
    property: 'P05',
    subject: 'fifo',
    rewrite: (made) => (made.name === 'open' ? call('open', made.args[0] ?? '', constants.O_RDWR, 0) : made),
  },
  {
    what: 'mappings of which each has a copy',
    property: 'P05',
    subject: 'memfd',
    rewrite: (made) => (made.name === 'mmap' ? { ...made, args: [...made.args.slice(0, 3), MAP_PRIVATE] } : made),
  },
] satisfies readonly Mutation[]
