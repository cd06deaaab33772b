import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'socket',
  summary: 'both ways, between processes or machines: socket(7)',
  variants: {
    unix: { scheme: 'unix', load: () => import('./unix.js') },
    'unix-seqpacket': { scheme: 'unix+seqpacket', load: () => import('./unix-seqpacket.js') },
    'unix-dgram': { scheme: 'unix+dgram', load: () => import('./unix-dgram.js') },
    tcp: { scheme: 'tcp', load: () => import('./tcp.js') },
    udp: { scheme: 'udp', load: () => import('./udp.js') },
    multicast: { scheme: 'multicast', load: () => import('./multicast.js') },
    'node-ipc': { scheme: 'node-ipc', load: () => import('./node-ipc.js') },
  },
})
