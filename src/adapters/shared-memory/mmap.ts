/** A ring in a file that both map. mmap(2), futex(2) */
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import { defineAdapter } from '../../core/adapter.js'
import { checkPath, pathOf, pathUrl } from '../../core/address.js'
import { memoryUnavailable } from '../../native/memory.js'
import { type RingSize, ringOf, sizeOf, sizeQuery } from './address.js'
import { connectRing, listenRing, namedCapabilities } from './named-ring.js'
import { mappedFilePlace } from './places.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** A file that the listener makes; at most 4095 bytes of path. Under tmpfs nothing is ever written to a disk. */
    'shared-memory/mmap': { path: string } & RingSize
  }
}

const PATH_MAX = 4095
const url = (path: string, size: RingSize): string => `${pathUrl('shm+mmap', checkPath(path, PATH_MAX))}${sizeQuery(size)}`

export default defineAdapter({
  id: 'shared-memory/mmap',
  scheme: 'shm+mmap',
  summary: 'rings in a mapped file',
  spins: true,
  capabilities: { ...namedCapabilities },
  unavailable: memoryUnavailable,
  parse: (url) => ({ path: pathOf(url), ...sizeOf(url) }),
  format: ({ path, ...size }) => url(path, size),
  temporary: (folder) => ({ path: join(folder, `${process.pid}-${randomBytes(8).toString('hex')}.ring`) }),
  async listen({ path, ...size }, context) {
    const address = url(path, size)
    const errors = { adapter: 'shared-memory/mmap', address } as const
    return listenRing(mappedFilePlace(path, errors), basename(path), ringOf(size), address, context, errors)
  },
  async connect({ path, ...size }, context) {
    const errors = { adapter: 'shared-memory/mmap', address: url(path, size) } as const
    return connectRing(mappedFilePlace(path, errors), basename(path), context, errors)
  },
})
