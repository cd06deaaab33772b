import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const AF_UNIX = 1

export default [
  {
    what: 'a semaphore that its successor takes for its own',
    property: 'P24',
    subject: 'psem',
    rewrite: (made) =>
      made.name === 'sem_open' ? { ...made, args: made.args.map((arg, at) => (at === 1 ? constants.O_CREAT : arg)) } : made,
  },
  {
    what: 'a socket whose path is an abstract name',
    property: 'P24',
    subject: 'udgram',
    rewrite: (made) => {
      const [fd = 0, address] = made.args
      if (made.name !== 'bind' || !(address instanceof Uint8Array) || address[2] === 0) return made
      return call('bind', fd, Uint8Array.of(AF_UNIX, 0, 0, 0, ...address.subarray(2)))
    },
  },
] satisfies readonly Mutation[]
