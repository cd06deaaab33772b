import { constants } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const [AF_INET, OWNER_MAY_CREATE] = [2, 0o1600]

export default [
  {
    what: 'semaphores without O_EXCL',
    property: 'P03',
    subject: 'psem',
    rewrite: (made) =>
      made.name === 'sem_open' ? { ...made, args: made.args.map((arg, at) => (at === 1 ? constants.O_CREAT : arg)) } : made,
  },
  {
    what: 'queues without IPC_EXCL',
    property: 'P03',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgget' ? call('msgget', made.args[0] ?? 0, OWNER_MAY_CREATE) : made),
  },
  {
    what: 'a port that the kernel chooses',
    property: 'P03',
    subject: 'tcp',
    rewrite: (made) => (made.name === 'bind' ? call('bind', made.args[0] ?? 0, Uint8Array.of(AF_INET, ...new Uint8Array(15))) : made),
  },
] satisfies readonly Mutation[]
