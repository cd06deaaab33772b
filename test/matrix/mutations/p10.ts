import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

export default [
  {
    what: 'a queue that ignores priority',
    property: 'P10',
    subject: 'pmq',
    rewrite: (made) => (made.name === 'mq_send' ? call('mq_send', ...made.args.slice(0, 2), 0) : made),
  },
  {
    what: 'a queue that ignores the type that is asked for',
    property: 'P10',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgrcv' ? call('msgrcv', ...made.args.slice(0, 2), 0, 0) : made),
  },
  {
    what: 'real-time signals that share one number',
    property: 'P10',
    subject: 'rtsig',
    rewrite: (made) => (made.name === 'sigqueue' ? call('sigqueue', made.args[0] ?? 0, 34, made.args[2] ?? 0) : made),
  },
  {
    what: 'a post of two permits',
    property: 'P10',
    subject: 'svsem',
    rewrite: (made) => (made.name === 'semop' && made.args[2] === 1 ? call('semop', made.args[0] ?? 0, 0, 2, 0) : made),
  },
  {
    what: 'a barrier that is none',
    property: 'P10',
    subject: 'memfd',
    rewrite: (made) => (made.name === 'litmus' ? { ...made, args: [...made.args.slice(0, 2), 50_000, 0] } : made),
  },
] satisfies readonly Mutation[]
