import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const IP_TTL = 2

export default [
  {
    what: 'a second host in the objects of the first',
    property: 'P41',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'unshare' ? call('unshare', 0) : made),
  },
  {
    what: 'a group that may leave its first network',
    property: 'P41',
    subject: 'mcast',
    rewrite: (made) => (made.name === 'getsockopt' ? call('getsockopt', made.args[0] ?? 0, 0, IP_TTL, 4) : made),
  },
] satisfies readonly Mutation[]
