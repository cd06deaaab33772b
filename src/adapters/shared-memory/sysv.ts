/** A ring in a System V segment, by a key made of the name. sysvipc(7), futex(2) */
import { randomBytes } from 'node:crypto'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { memoryUnavailable } from '../../native/memory.js'
import { type RingSize, ringOf, sizeOf, sizeQuery } from './address.js'
import { connectRing, listenRing, namedCapabilities } from './named-ring.js'
import { sysvPlace } from './places.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** One name without a further slash, at most 255 bytes. */
    'shared-memory/sysv': { name: string } & RingSize
  }
}

const NAME_MAX = 255
const url = (name: string, size: RingSize): string => `shm+sysv:///${encodeURIComponent(checkName(name, NAME_MAX))}${sizeQuery(size)}`

export default defineAdapter({
  id: 'shared-memory/sysv',
  scheme: 'shm+sysv',
  summary: 'rings in a System V segment, by key',
  spins: true,
  capabilities: { ...namedCapabilities },
  unavailable: memoryUnavailable,
  parse: (url) => ({ name: checkName(pathOf(url), NAME_MAX), ...sizeOf(url) }),
  format: ({ name, ...size }) => url(name, size),
  temporary: () => ({ name: `ipc-playground-${process.pid}-${randomBytes(8).toString('hex')}` }),
  async listen({ name, ...size }, context) {
    const address = url(name, size)
    const errors = { adapter: 'shared-memory/sysv', address } as const
    const bare = checkName(name, NAME_MAX)
    return listenRing(sysvPlace(bare, errors), bare, ringOf(size), address, context, errors)
  },
  async connect({ name, ...size }, context) {
    const errors = { adapter: 'shared-memory/sysv', address: url(name, size) } as const
    const bare = checkName(name, NAME_MAX)
    return connectRing(sysvPlace(bare, errors), bare, context, errors)
  },
})
