import { type Mutation, without } from './mutation.js'

export default [
  { what: 'a semaphore without SEM_UNDO', property: 'P30', subject: 'svsem', rewrite: without('semop', 'SEM_UNDO') },
  {
    what: 'a mutex that is not robust, which nobody dares to wait for',
    property: 'P30',
    subject: 'pshm',
    rewrite: (made) => {
      if (made.name === 'mutex_init') return { ...made, args: [made.args[0] ?? 0, 0] }
      return made.name === 'mutex_lock' ? { ...made, name: 'mutex_trylock' } : made
    },
  },
] satisfies readonly Mutation[]
