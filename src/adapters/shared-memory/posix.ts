/** A ring in POSIX shared memory, by name. shm_overview(7), futex(2) */
import { randomBytes } from 'node:crypto'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { memoryUnavailable } from '../../native/memory.js'
import { type RingSize, ringOf, sizeOf, sizeQuery } from './address.js'
import { connectRing, listenRing, namedCapabilities } from './named-ring.js'
import { posixPlace } from './places.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** One name without a further slash, at most 255 bytes. */
    'shared-memory/posix': { name: string } & RingSize
  }
}

const NAME_MAX = 255
const url = (name: string, size: RingSize): string => `shm+posix:///${encodeURIComponent(checkName(name, NAME_MAX))}${sizeQuery(size)}`

export default defineAdapter({
  id: 'shared-memory/posix',
  scheme: 'shm+posix',
  summary: 'rings in POSIX shared memory, by name',
  spins: true,
  capabilities: { ...namedCapabilities },
  unavailable: memoryUnavailable,
  parse: (url) => ({ name: checkName(pathOf(url), NAME_MAX), ...sizeOf(url) }),
  format: ({ name, ...size }) => url(name, size),
  temporary: () => ({ name: `ipc-playground-${process.pid}-${randomBytes(8).toString('hex')}` }),
  async listen({ name, ...size }, context) {
    const address = url(name, size)
    const errors = { adapter: 'shared-memory/posix', address } as const
    const bare = checkName(name, NAME_MAX)
    return listenRing(posixPlace(bare, errors), bare, ringOf(size), address, context, errors)
  },
  async connect({ name, ...size }, context) {
    const errors = { adapter: 'shared-memory/posix', address: url(name, size) } as const
    const bare = checkName(name, NAME_MAX)
    return connectRing(posixPlace(bare, errors), bare, context, errors)
  },
})
