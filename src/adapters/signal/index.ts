import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'signal',
  summary: 'a number, and at most one word, to a process: signal(7)',
  variants: {
    realtime: { scheme: 'signal', load: () => import('./realtime.js') },
    standard: { scheme: 'signal+standard', load: () => import('./standard.js') },
  },
})
