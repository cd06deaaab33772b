import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const CLONE_NEWIPC = 0x8000000

export default [
  {
    what: 'names of semaphores in the file system of everybody',
    property: 'P42',
    subject: 'psem',
    rewrite: (made) => (made.name === 'mount' ? call('getpid') : made),
  },
  {
    what: 'queues that every namespace has',
    property: 'P42',
    subject: 'svmq',
    rewrite: (made) => {
      const [flags] = made.args
      const value = typeof flags === 'object' && 'value' in flags ? flags.value : flags
      return made.name === 'unshare' && value === CLONE_NEWIPC ? call('unshare', 0) : made
    },
  },
] satisfies readonly Mutation[]
