/**
 * Two counting semaphores in POSIX shared memory, one a direction: `Atomics` while nobody has to sleep,
 * futex(2) when somebody has to. The segment is the one of shared-memory/ring-buffer.ts with the magic below and
 * no rings; the word `head` of a side's block is the count of what it has posted and the other not yet taken.
 */
import { randomBytes } from 'node:crypto'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { Result } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import type { Mapping } from '../../native/memory.js'
import { memoryUnavailable } from '../../native/memory.js'
import { type Bell, FutexBell } from '../shared-memory/bell.js'
import { connectNamed, listenNamed, type Over } from '../shared-memory/named-segment.js'
import { posixPlace } from '../shared-memory/places.js'
import { bellOf, headOf, receiverEndOf, senderEndOf, watchedOf } from '../shared-memory/ring-buffer.js'
import { SleepingEndpoint } from '../shared-memory/sleeping-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** One name without a further slash, at most 251 bytes. */
    'semaphore/atomics': { name: string }
  }
}

/** "IPCS" as bytes on a little-endian machine. */
const MAGIC = 0x53435049
/** As SEM_VALUE_MAX of sem_overview(7). */
const MOST = 2 ** 31 - 1
const PREFIX = 'sem+'
const NAME_MAX = 255 - PREFIX.length

class SemaphoreEndpoint extends SleepingEndpoint {
  readonly #words: Int32Array
  readonly #mapping: Mapping
  readonly #fault: number
  readonly #mine: number
  readonly #peers: number
  readonly #side: number

  constructor(words: Int32Array, mapping: Mapping, side: number, bell: Bell, errors: ErrorContext) {
    super(bell, words, bellOf(side), errors)
    this.#words = words
    this.#mapping = mapping
    this.#fault = mapping.faultOffset / 4
    this.#mine = headOf(side)
    this.#peers = headOf(1 - side)
    this.#side = side
  }

  trySend(): number {
    const state = this.writable()
    if (state < 0) return state === Result.FAILED ? this.failed(this.#violation()) : state
    Atomics.add(this.#words, this.#mine, 1) // this side alone adds, so it cannot pass MOST
    this.#tell()
    return 0
  }

  tryReceiveInto(): number {
    const gone = this.bell.peerGone // before looking: all that it posted is there then
    for (;;) {
      const state = this.readable()
      if (state === Result.WOULD_BLOCK && gone) return Result.PEER_GONE
      if (state < 0) return state === Result.FAILED ? this.failed(this.#violation()) : state
      const count = Atomics.load(this.#words, this.#peers)
      if (count > 0 && Atomics.compareExchange(this.#words, this.#peers, count, count - 1) === count) {
        if (count === MOST) this.#tell()
        return 0
      }
    }
  }

  protected readable(): number {
    if (this.#words[this.#fault] !== 0) return Result.FAILED
    const ended = Atomics.load(this.#words, senderEndOf(1 - this.#side))
    const count = Atomics.load(this.#words, this.#peers) // after the end: what was posted before it counts
    if (count < 0) return Result.FAILED
    if (count > 0) return 0
    return ended === 0 ? Result.WOULD_BLOCK : ended === 1 ? Result.END : Result.PEER_GONE
  }

  protected writable(): number {
    if (this.#words[this.#fault] !== 0) return Result.FAILED
    if (this.bell.peerGone || Atomics.load(this.#words, receiverEndOf(1 - this.#side)) !== 0) return Result.PEER_GONE
    const count = Atomics.load(this.#words, this.#mine)
    if (count < 0) return Result.FAILED
    return count === MOST ? Result.WOULD_BLOCK : 0
  }

  /** `writable` asks the bell. */
  protected lost(): void {}

  protected seenIn(): number {
    return 0
  }

  protected seenOut(): number {
    return MOST
  }

  #violation(): string {
    return this.#words[this.#fault] === 0 ? 'the peer made a count negative' : 'the peer took the memory away'
  }

  /** See shared-memory/ring-buffer.ts on why no wake-up is lost. */
  #tell(): void {
    const bell = bellOf(1 - this.#side)
    if (Atomics.load(this.#words, bell) === 0) return
    const how = Atomics.exchange(this.#words, bell, 0)
    if (how !== 0) this.bell.ring(how)
  }

  end(): void {
    Atomics.compareExchange(this.#words, senderEndOf(this.#side), 0, 1)
    this.#tell()
  }

  protected leave(): void {
    Atomics.compareExchange(this.#words, senderEndOf(this.#side), 0, 2)
    Atomics.store(this.#words, receiverEndOf(this.#side), 1)
    this.#tell()
  }

  protected release(): void {
    this.#mapping.close()
  }
}

const over =
  (errors: ErrorContext): Over =>
  (mapping, buffer, _ring, side, pidfd) => {
    // There is room again when this side's own count falls.
    const bell = new FutexBell(mapping, { ...watchedOf(side), outgoing: headOf(side) }, pidfd, errors)
    return new SemaphoreEndpoint(new Int32Array(buffer), mapping, side, bell, errors)
  }

const url = (name: string): string => `sem+atomics:///${encodeURIComponent(checkName(name, NAME_MAX))}`

export default defineAdapter({
  id: 'semaphore/atomics',
  scheme: 'sem+atomics',
  summary: 'counters in shared memory, Atomics and futex',
  spins: true,
  capabilities: {
    framing: 'event',
    payload: { min: 0, max: 0 },
    native: 'simplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'ring',
    halfClose: true,
    rendezvous: 'name',
    peers: 'one',
    lifetime: 'process',
    asyncWait: 'thread',
    detectsPeerExit: true,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: false,
    priority: false,
  },
  unavailable: memoryUnavailable,
  parse: (url) => ({ name: checkName(pathOf(url), NAME_MAX) }),
  format: ({ name }) => url(name),
  temporary: () => ({ name: `ipc-playground-${process.pid}-${randomBytes(8).toString('hex')}` }),
  async listen({ name }, context) {
    const errors = { adapter: 'semaphore/atomics', address: url(name) } as const
    const bare = PREFIX + checkName(name, NAME_MAX)
    return listenNamed(posixPlace(bare, errors), { magic: MAGIC, ring: 0, name: bare }, url(name), context, errors, over(errors))
  },
  async connect({ name }, context) {
    const errors = { adapter: 'semaphore/atomics', address: url(name) } as const
    const bare = PREFIX + checkName(name, NAME_MAX)
    return connectNamed(posixPlace(bare, errors), { magic: MAGIC, name: bare }, context, errors, over(errors))
  },
})
