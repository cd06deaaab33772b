import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'socket',
  summary: 'both ways, between processes or machines: socket(7)',
  variants: {
    unix: { scheme: 'unix', load: () => import('./unix.js') },
  },
})
