/** What adapters declare, held against what the kernel does in the cells of their mechanism. */
import assert from 'node:assert/strict'
import { type CellResult, findProperty, findSubject, runCell, type SubjectKey, subjects, unavailable } from 'ipc-playground/matrix'
import { afterAll, beforeAll, test } from 'vitest'
import type { Capabilities } from '../../src/core/channel.js'
import { adapterById, adapterIds } from '../../src/core/registry.js'
import { Company } from '../../src/stage/company.js'

/** Adapters of whose mechanism another is the matrix's. */
const BESIDE: Readonly<Record<string, SubjectKey>> = {
  'fifo/mkfifo': 'fifo',
  'message-queue/posix-mq': 'pmq',
  'pipe/packet': 'pipe',
  'pipe/stdio': 'ustream', // what Node calls a pipe
  'semaphore/atomics': 'pshm',
  'shared-memory/mmap': 'pshm',
  'socket/node-ipc': 'ustream',
}
const OF_NO_PROCESS = 'shared-memory/worker'

type Value = string | number | boolean
interface Claim {
  readonly declares: string
  readonly of: (capabilities: Capabilities) => Value
  readonly property: string
  /** What each observation says of it. */
  readonly says: Readonly<Record<string, Value>>
  /** Adapters that add what the mechanism has not, or leave what it has, with why. */
  readonly otherwise?: Readonly<Record<string, string>>
}

const RINGS = ['shared-memory/ring', 'shared-memory/posix', 'shared-memory/mmap', 'shared-memory/sysv', 'semaphore/atomics']
const rings = (why: string) => Object.fromEntries(RINGS.map((id) => [id, why]))
const SIGNALS = ['signal/realtime', 'signal/standard']
const ANY_LENGTH = 2 ** 32 - 1

const CLAIMS: readonly Claim[] = [
  {
    declares: 'rendezvous',
    of: ({ rendezvous }) => rendezvous,
    property: 'P01',
    says: { related: 'inherit', 'any-by-name': 'name', 'any-by-pid': 'pid', 'any-by-addr': 'network' },
    otherwise: { 'shared-memory/ring': 'a socket with a name passes its descriptor', 'pipe/stdio': 'a pair of sockets has no name' },
  },
  {
    declares: 'native',
    of: ({ native }) => native,
    property: 'P05',
    says: { 'one-way': 'simplex', 'many-way, one queue': 'simplex', 'two-way': 'duplex', 'many-way': 'duplex', 'one-to-many': 'duplex' },
    otherwise: {
      'semaphore/posix': 'a count has no direction',
      'semaphore/sysv': 'a set holds a count for each direction',
      'semaphore/atomics': 'a count has no direction',
      'pipe/stdio': 'two of its pairs are used, one a direction',
    },
  },
  {
    declares: 'framing',
    of: ({ framing }) => framing,
    property: 'P06',
    says: { 'byte stream': 'stream', message: 'message', none: 'event', event: 'event', 'event + word': 'message' },
    otherwise: { ...rings('a ring makes messages of memory'), 'pipe/packet': 'O_DIRECT', 'socket/node-ipc': 'the package frames' },
  },
  {
    declares: 'payload.max',
    of: ({ payload }) => (payload.max === ANY_LENGTH ? 'any' : payload.max <= 4 ? 'a word' : 'bounded'),
    property: 'P07',
    says: { 'no limit': 'any', EMSGSIZE: 'bounded', EINVAL: 'bounded', 'one word': 'a word' },
    otherwise: { 'pipe/packet': 'a packet is bounded', 'socket/node-ipc': 'bounded for what the package buffers' },
  },
  {
    declares: 'order',
    of: ({ order }) => order,
    property: 'P10',
    says: {
      FIFO: 'fifo',
      'FIFO (per type)': 'fifo',
      'priority, then FIFO': 'priority',
      'none promised': 'none',
      none: 'none',
      'lowest number first, FIFO in one number': 'fifo',
    },
    otherwise: {
      ...rings('a ring has an order'),
      'semaphore/posix': 'permits are alike',
      'semaphore/sysv': 'permits are alike',
    },
  },
  {
    declares: 'priority',
    of: ({ priority }) => priority,
    property: 'P11',
    // A receiver that selects is no priority of the sender.
    says: { '0..32767, higher first': true, 'by type': false, 'by number': false, '1 urgent byte': false, '1 OOB byte': false, no: false },
  },
  {
    declares: 'whenFull',
    of: ({ whenFull }) => whenFull,
    property: 'P13',
    says: { blocks: 'block', 'no: drops': 'drop', 'no: coalesces': 'coalesce', 'no: EAGAIN': 'fail' },
  },
  {
    declares: 'lifetime',
    of: ({ lifetime }) => lifetime,
    property: 'P20',
    says: { process: 'process', kernel: 'kernel', 'name: fs; data: process': 'process' },
    otherwise: rings('the name goes when the two have met'),
  },
  {
    declares: 'end',
    of: ({ end }) => end,
    property: 'P25',
    says: { '0 = EOF, POLLHUP': 'kernel', '0 = EOF': 'kernel', nothing: 'none' },
    otherwise: rings('a ring has an end'),
  },
  {
    declares: 'halfClose',
    of: ({ halfClose }) => halfClose,
    property: 'P28',
    says: { yes: true, 'by design': true, 'local only': false, no: false },
    otherwise: { ...rings('a ring ends by direction'), 'socket/node-ipc': 'the package ends both ways at once' },
  },
  {
    declares: 'detectsPeerExit',
    of: ({ detectsPeerExit }) => detectsPeerExit,
    property: 'P31',
    says: { event: true, 'event (same host)': true, 'only on next send': false, none: false },
    otherwise: {
      ...rings('the lifeline, or the pid, of the other side is watched'),
      ...Object.fromEntries(SIGNALS.map((id) => [id, 'the pid that is its address is watched by a pidfd'])),
    },
  },
  {
    declares: 'asyncWait',
    of: ({ asyncWait }) => asyncWait,
    property: 'P37',
    says: { yes: 'poll', 'yes (Linux)': 'poll', signalfd: 'poll', no: 'thread' },
    otherwise: {
      ...rings('a bell of its own wakes it'),
      ...Object.fromEntries(SIGNALS.map((id) => [id, 'a second channel of a thread has a thread that waits for it'])),
    },
  },
  {
    declares: 'crossesHosts',
    of: ({ crossesHosts }) => crossesHosts,
    property: 'P41',
    says: { yes: true, 'yes, TTL 1 by default': true, no: false },
  },
]

const reason = unavailable()
const seen = new Map<string, Promise<CellResult>>()
let company: Company

beforeAll(async () => {
  if (reason === undefined) company = await Company.gather()
})
afterAll(async () => {
  if (reason === undefined) await company.close()
})

function cellOf(property: string, subject: SubjectKey): Promise<CellResult> {
  const key = `${property} ${subject}`
  const running = seen.get(key) ?? runCell(findProperty(property), findSubject(subject), { company })
  seen.set(key, running)
  return running
}

const ids: readonly string[] = await adapterIds()

test('every adapter between processes has a subject', () => {
  const own = subjects.map(({ adapter }) => adapter)
  assert.deepEqual(
    ids.filter((id) => !own.includes(id) && BESIDE[id] === undefined),
    [OF_NO_PROCESS],
  )
  for (const { otherwise = {} } of CLAIMS) for (const id of Object.keys(otherwise)) assert(ids.includes(id), id)
})

for (const id of ids) {
  const subject = subjects.find(({ adapter }) => adapter === id)?.key ?? BESIDE[id]
  if (subject === undefined) continue
  for (const { declares, of, property, says, otherwise } of CLAIMS) {
    if (otherwise?.[id] !== undefined) continue
    test.skipIf(reason !== undefined)(`${id} declares its ${declares} as ${property} of ${subject} is`, async (context) => {
      const { verdict, observation, reason } = await cellOf(property, subject)
      if (verdict === 'skipped') context.skip(reason)
      if (verdict === 'not-applicable') return
      const value = observation?.value ?? ''
      assert(value in says, `${property} of ${subject}: ${value}: ${reason}`)
      assert.equal(of((await adapterById(id)).capabilities), says[value])
    })
  }
}
