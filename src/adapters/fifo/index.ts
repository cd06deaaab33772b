import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'fifo',
  summary: 'a pipe with a name in the file system: fifo(7)',
  variants: {
    native: { scheme: 'fifo', load: () => import('./native.js') },
    mkfifo: { scheme: 'fifo+mkfifo', load: () => import('./mkfifo.js') },
  },
})
