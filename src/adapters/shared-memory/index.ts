import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'shared-memory',
  summary: 'one memory, two processes: memfd_create(2), shm_overview(7), mmap(2), sysvipc(7)',
  variants: {
    ring: { scheme: 'shm', load: () => import('./ring.js') },
    posix: { scheme: 'shm+posix', load: () => import('./posix.js') },
    mmap: { scheme: 'shm+mmap', load: () => import('./mmap.js') },
    sysv: { scheme: 'shm+sysv', load: () => import('./sysv.js') },
    worker: { scheme: 'shm+worker', load: () => import('./worker.js') },
  },
})
