import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'semaphore',
  summary: 'a count that one side raises and the other waits for: sem_overview(7), sysvipc(7)',
  variants: {
    atomics: { scheme: 'sem+atomics', load: () => import('./atomics.js') },
    posix: { scheme: 'sem', load: () => import('./posix.js') },
    sysv: { scheme: 'sem+sysv', load: () => import('./sysv.js') },
  },
})
