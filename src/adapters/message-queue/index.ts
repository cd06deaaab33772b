import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'message-queue',
  summary: 'messages that the kernel keeps, also with nobody there: mq_overview(7), sysvipc(7)',
  variants: {
    posix: { scheme: 'mq', load: () => import('./posix.js') },
    sysv: { scheme: 'mq+sysv', load: () => import('./sysv.js') },
    'posix-mq': { scheme: 'mq+posix-mq', load: () => import('./posix-mq.js') },
  },
})
