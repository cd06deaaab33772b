import { call } from 'ipc-playground/matrix'
import { type Mutation, without } from './mutation.js'

export default [
  { what: 'a descriptor that nobody marks', property: 'P36', subject: 'tcp', rewrite: without('fcntl', 'FD_CLOEXEC') },
  { what: 'a memfd that is not to be closed', property: 'P36', subject: 'memfd', rewrite: without('memfd_create', 'MFD_CLOEXEC') },
  { what: 'a permit that is not owed', property: 'P36', subject: 'svsem', rewrite: without('semop', 'SEM_UNDO') },
  {
    what: 'an image that goes on',
    property: 'P36',
    subject: 'sig',
    rewrite: (made) => (made.name === 'exec' ? call('getpid') : made),
  },
] satisfies readonly Mutation[]
