import { call } from 'ipc-playground/matrix'
import type { Mutation } from './mutation.js'

const SHUT_WR = 1
const MESSAGE_BYTES = 128

export default [
  {
    what: 'a reader that says the end, and does not close',
    property: 'P27',
    subject: 'ustream',
    rewrite: (made, role) => (made.name === 'close' && role === 'receiver' ? call('shutdown', ...made.args, SHUT_WR) : made),
  },
  {
    what: 'a writer that keeps its end open',
    property: 'P27',
    subject: 'fifo',
    rewrite: (made, role) => (made.name === 'close' && role === 'sender' ? call('getpid') : made),
  },
  {
    what: 'a reader that takes what is left with it',
    property: 'P27',
    subject: 'pmq',
    rewrite: (made, role) => (made.name === 'close' && role === 'receiver' ? call('mq_receive', ...made.args, MESSAGE_BYTES) : made),
  },
] satisfies readonly Mutation[]
