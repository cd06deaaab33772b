import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'pipe',
  summary: 'bytes one way, between a parent and its child: pipe(7)',
  variants: {
    anonymous: { scheme: 'pipe', load: () => import('./anonymous.js') },
    packet: { scheme: 'pipe+packet', load: () => import('./packet.js') },
    stdio: { scheme: 'pipe+stdio', load: () => import('./stdio.js') },
  },
})
