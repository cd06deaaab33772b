import type { Mutation } from './mutation.js'

const IPC_NOWAIT_AND_MSG_NOERROR = 0o14000

export default [
  {
    what: 'a receive that cuts what does not fit',
    property: 'P08',
    subject: 'svmq',
    rewrite: (made) => (made.name === 'msgrcv' ? { ...made, args: [...made.args.slice(0, 3), IPC_NOWAIT_AND_MSG_NOERROR] } : made),
  },
] satisfies readonly Mutation[]
