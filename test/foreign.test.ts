/** The other side in C and in Python, as docs/wire.md tells them to: nothing of this library runs there. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Address,
  type Channel,
  connect,
  type Framing,
  listen,
  openReceiver,
  openSender,
  type Receiver,
  type Sender,
  type Server,
} from 'ipc-playground'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyOfName, keyText } from '../src/core/sysv-key.js'
import { busy } from './support/busy.js'
import { foreignEnv as env, works } from './support/foreign.js'
import { packageFolder, type Running, start } from './support/run.js'

const MOST = 1024 * 1024
const PATIENCE = { timeout: 20_000 }

interface Language {
  readonly name: string
  readonly command: readonly string[]
  /** Why there is none on this machine. */
  readonly missing: string | undefined
}

function inC(): Language {
  const program = join(packageFolder, 'build/foreign/peer')
  const missing = works('cc', '--version') ? (works('make', '--version') ? undefined : 'needs make') : 'needs a C compiler, cc'
  if (missing === undefined) execFileSync('make', ['--silent', 'build/foreign/peer', 'build/foreign/fuzz'], { cwd: packageFolder, env })
  return { name: 'C', command: [program], missing }
}

const inPython: Language = {
  name: 'Python',
  command: ['python3', join(packageFolder, 'test/foreign/peer.py')],
  missing: works('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))') ? undefined : 'needs python3, 3.9 or newer',
}

const languages = [inC(), inPython]

let folder: string
const peers = new Set<Running>()
type Open = { destroy(): void } | { close(): Promise<void> }
const opened = new Set<Open>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'foreign-'))
})
afterEach(async () => {
  for (const end of opened) await ('destroy' in end ? end.destroy() : end.close())
  opened.clear()
  for (const { child, ended } of peers) {
    child.kill('SIGKILL')
    await ended
  }
  peers.clear()
  rmSync(folder, { recursive: true })
})

const freshName = () => `foreign-${process.pid}-${randomBytes(6).toString('hex')}`
const freshPath = () => join(folder, randomBytes(4).toString('hex'))

function startPeer({ command: [program = '', ...args] }: Language, mechanism: string, address: string, count?: number): Running {
  const running = start(program, [...args, mechanism, address, ...(count === undefined ? [] : [String(count)])], {
    env: { LD_PRELOAD: undefined, PYTHONDONTWRITEBYTECODE: '1' },
    input: true,
  })
  peers.add(running)
  return running
}

const keep = <T extends Open>(end: T): T => {
  opened.add(end)
  return end
}

async function accept<F extends Framing>(server: Server<F>): Promise<Channel<F>> {
  for await (const channel of server) return keep(channel)
  throw new Error('the server ended')
}

/** Ended well, and silently. */
const fine = async (peer: Running) => expect(await peer.ended).toMatchObject({ status: 0, stderr: '' })

function payload(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + length
  return bytes
}

function answerTo(bytes: Uint8Array): Uint8Array {
  const answer = bytes.slice()
  for (let i = 0; i < answer.length; i++) answer[i] = (answer[i] as number) + 1
  return answer
}

function expectBytes(got: Uint8Array | null, expected: Uint8Array): void {
  expect(got?.length).toBe(expected.length)
  expect(Buffer.compare(got ?? new Uint8Array(), expected)).toBe(0)
}

async function exchange(sender: Sender, receiver: Receiver, lengths: readonly number[]): Promise<void> {
  for (const length of lengths) {
    const message = payload(length)
    await sender.send(message, PATIENCE)
    expectBytes(await receiver.receive(PATIENCE), answerTo(message))
  }
}

/** How the two sides meet. */
interface Meeting {
  readonly adapter: string
  readonly lengths: readonly number[]
  meet(language: Language, count: number): Promise<{ channel: Channel; peer: Running; address: Where }>
}

const options = { maxMessageBytes: MOST, ...PATIENCE }

type Where = Exclude<Address, string>

/** What the peer is told of an address without a port. */
const placeOf = (address: Where): string => ('path' in address ? address.path : 'name' in address ? String(address.name) : '0')

/** The peer connects to this side. */
async function whereNodeListens(address: Where, language: Language, mechanism: string, count?: number) {
  const server = keep(await listen(address, options))
  const peer = startPeer(language, mechanism, 'host' in address ? new URL(server.address).port : placeOf(address), count)
  return { channel: await accept(server), peer, address }
}

/** This side connects to the peer. */
async function whereNodeConnects(address: Where, language: Language, mechanism: string) {
  const peer = startPeer(language, mechanism, placeOf(address))
  const port = announcedPort(peer)
  await peer.shown('ready')
  const channel = await connect('host' in address ? { ...address, port: await port } : address, options)
  return { channel: keep(channel), peer, address }
}

const announcedPort = ({ child }: Running): Promise<number> =>
  new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
      const port = /port (\d+)\n/.exec(text)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })

/** The limit of a user's queues is shared by all that run here. */
const queue = (name = freshName()) => ({ adapter: 'message-queue/posix', name, maxMessages: 2, maxMessageBytes: 8192 }) as const
const loopback = <A extends 'socket/tcp' | 'socket/udp'>(adapter: A) => ({ adapter, host: '127.0.0.1', port: 0 })
const stream = [0, 1, 300, 65_536, MOST, 0, 2]
/** So many that a side which is not woken, and only looks now and then, is not done before the test's end. */
const ring = [0, 1, 300, MOST / 2 - 8, 0, MOST / 2 - 8, 7, 8, 9, ...new Array<number>(2000).fill(24)]

/** With an end, and whose peer's death the kernel tells. */
const ending: readonly (Meeting & { readonly only?: string })[] = [
  ...(['socket/unix', 'socket/unix-seqpacket'] as const).flatMap((adapter) => {
    const mechanism = adapter === 'socket/unix' ? 'unix' : 'seqpacket'
    const lengths = adapter === 'socket/unix' ? stream : [0, 1, 300, 131_072, 0, 0, 2]
    return [
      { adapter, lengths, meet: (language: Language) => whereNodeListens({ adapter, path: freshPath() }, language, mechanism) },
      {
        adapter: `${adapter}, who listens`,
        lengths,
        meet: (language: Language) => whereNodeConnects({ adapter, path: freshPath() }, language, `${mechanism}-listen`),
      },
    ]
  }),
  { adapter: 'socket/tcp', lengths: stream, meet: (language) => whereNodeListens(loopback('socket/tcp'), language, 'tcp') },
  {
    adapter: 'socket/tcp, who listens',
    lengths: stream,
    meet: (language) => whereNodeConnects(loopback('socket/tcp'), language, 'tcp-listen'),
  },
  {
    adapter: 'fifo/native',
    lengths: stream,
    meet: (language) => whereNodeListens({ adapter: 'fifo/native', path: freshPath() }, language, 'fifo'),
  },
  {
    adapter: 'fifo/native, who listens',
    only: 'C',
    lengths: stream,
    meet: (language) => whereNodeConnects({ adapter: 'fifo/native', path: freshPath() }, language, 'fifo-listen'),
  },
  {
    adapter: 'shared-memory/posix',
    only: 'C',
    lengths: ring,
    meet: (language) => whereNodeListens({ adapter: 'shared-memory/posix', name: freshName(), bytes: MOST }, language, 'ring'),
  },
  {
    adapter: 'shared-memory/posix, who listens',
    lengths: ring,
    meet: (language) => whereNodeConnects({ adapter: 'shared-memory/posix', name: freshName() }, language, 'ring-listen'),
  },
]

/** Without. */
const endless: readonly Meeting[] = [
  {
    adapter: 'message-queue/posix',
    lengths: [0, 1, 300, 8192],
    meet: (language, count) => whereNodeListens(queue(), language, 'mq', count),
  },
  {
    adapter: 'message-queue/sysv',
    lengths: [0, 1, 300, 8192],
    meet: (language, count) => whereNodeListens({ adapter: 'message-queue/sysv', name: freshName() }, language, 'sysv', count),
  },
  {
    adapter: 'semaphore/posix',
    lengths: [0, 0, 0],
    meet: (language, count) => whereNodeListens({ adapter: 'semaphore/posix', name: freshName() }, language, 'sem', count),
  },
  {
    adapter: 'semaphore/sysv',
    lengths: [0, 0, 0],
    meet: (language, count) => whereNodeListens({ adapter: 'semaphore/sysv', name: freshName() }, language, 'semset', count),
  },
  {
    adapter: 'socket/udp',
    lengths: [0, 1, 300, 65_507],
    meet: (language, count) => whereNodeListens(loopback('socket/udp'), language, 'udp', count),
  },
]

/** System V objects that a killed member leaves: who closes last is to remove them. Options of ipcrm(1), with keys. */
function leftBehind(address: Where): readonly (readonly [string, number])[] {
  if (!('name' in address)) return []
  const { adapter, name } = address
  if (adapter === 'semaphore/sysv') return [['-S', keyOfName(name)]]
  return adapter === 'message-queue/sysv' ? ['.0', '.1'].map((suffix) => ['-Q', keyOfName(name + suffix)] as const) : []
}

const ringsIn = () => readdirSync('/dev/shm').filter((name) => name.includes(`foreign-${process.pid}-`))

describe.each(languages)('a peer in $name', (language) => {
  if (language.missing !== undefined) {
    test.skip(`${language.missing}`, () => {})
    return
  }
  const cases = ending.filter(({ only = language.name }) => only === language.name)

  test.each(cases)('$adapter: bytes both ways, then the end', async ({ lengths, meet }) => {
    const { channel, peer } = await meet(language, lengths.length)
    await exchange(channel, channel, lengths)
    await channel.end()
    expect(await channel.receive(PATIENCE)).toBeNull()
    await channel.close()
    await fine(peer)
    expect(ringsIn()).toEqual([])
  })

  test.each(cases)('$adapter: killed in the middle', async ({ meet }) => {
    const { channel, peer } = await meet(language, 1)
    await exchange(channel, channel, [10])
    const outcome = busy(channel)
    peer.child.kill('SIGKILL')
    const { sending, receiving } = await outcome
    expect(sending).toMatchObject({ code: 'ERR_IPC_PEER_GONE' })
    if (receiving !== null) expect(receiving).toMatchObject({ code: 'ERR_IPC_PEER_GONE' })
  })

  test.each(endless)('$adapter: bytes both ways', async ({ lengths, meet }) => {
    const { channel, peer } = await meet(language, lengths.length)
    await exchange(channel, channel, lengths)
    await fine(peer)
    await channel.close()
    expect(ringsIn()).toEqual([])
  })

  test.each(endless)('$adapter: of a killed peer nobody tells, and nobody hangs', async ({ meet }) => {
    const { channel, peer, address } = await meet(language, 2)
    await exchange(channel, channel, [0])
    peer.child.kill('SIGKILL')
    await peer.ended
    await expect(channel.receive({ timeout: 50 })).rejects.toMatchObject({ code: 'ERR_IPC_TIMEOUT' })
    await channel.close()
    for (const [option, key] of leftBehind(address)) execFileSync('ipcrm', [option, keyText(key)])
    expect(ringsIn()).toEqual([])
  })

  test('fifo/native, raw: a stream of bytes and its end', async () => {
    const path = freshPath()
    const receiver = keep(await openReceiver({ adapter: 'fifo/native', path: `${path}.out` }, { create: 'exclusive' }))
    const opening = openSender({ adapter: 'fifo/native', path: `${path}.in` }, { create: 'exclusive', ...PATIENCE })
    while (!existsSync(`${path}.in`)) await nextTurn()
    const peer = startPeer(language, 'fifo-raw', path)
    const sender = keep(await opening)
    const bytes = payload(MOST)
    const sent = sender.send(bytes, PATIENCE).then(() => sender.close())
    const parts: Uint8Array[] = []
    for await (const part of receiver) parts.push(part)
    await sent
    expectBytes(Buffer.concat(parts), answerTo(bytes))
    await fine(peer)
  })

  test('message-queue/posix, raw', async () => {
    const name = freshName()
    const sender = keep(await openSender(queue(`${name}.in`), { create: 'exclusive' }))
    const receiver = keep(await openReceiver(queue(`${name}.out`), { create: 'exclusive' }))
    const peer = startPeer(language, 'mq-raw', name, 4)
    await exchange(sender, receiver, [0, 1, 300, 8192])
    await fine(peer)
  })

  test('message-queue/sysv, raw', async () => {
    const key = randomBytes(4).readUInt32LE() | 1
    const address = { adapter: 'message-queue/sysv', key: key >>> 0 } as const
    const sender = keep(await openSender({ ...address, type: 7 }, { create: 'exclusive' }))
    const receiver = keep(await openReceiver({ ...address, type: 8 }))
    const peer = startPeer(language, 'sysv-raw', String(address.key), 4)
    await exchange(sender, receiver, [0, 1, 300, 8192])
    await fine(peer)
  })

  test('socket/udp, raw', async () => {
    // A port that was free a moment ago: a receiver does not tell its own.
    const found = await listen({ adapter: 'socket/udp', host: '127.0.0.1', port: 0 })
    const port = Number(new URL(found.address).port)
    await found.close()
    const receiver = keep(await openReceiver({ adapter: 'socket/udp', host: '127.0.0.1', port }))
    const peer = startPeer(language, 'udp-raw', String(port), 4)
    const sender = keep(await openSender({ adapter: 'socket/udp', host: '127.0.0.1', port: await announcedPort(peer) }))
    await exchange(sender, receiver, [0, 1, 300, 65_507])
    await fine(peer)
  })

  test('signal/realtime, raw', async () => {
    const receiver = keep(await openReceiver('signal://self'))
    const peer = startPeer(language, 'signal', String(process.pid), 5)
    await peer.shown('ready')
    const sender = keep(await openSender({ adapter: 'signal/realtime', pid: peer.child.pid as number }))
    await exchange(sender, receiver, [4, 4, 4, 4, 4])
    await fine(peer)
  })

  test('socket/unix: what breaks the format is refused', async () => {
    const server = keep(await listen({ adapter: 'socket/unix', path: freshPath() }, { framing: 'stream' }))
    const path = new URL(server.address).pathname
    for (const [bytes, complaint] of [
      [[0xff, 0xff, 0xff, 0xff], /broke the format|ProtocolError/],
      [[16, 0], /the peer is gone|PeerGone/],
      [[16, 0, 0, 0, 1], /the peer is gone|PeerGone/],
    ] as const) {
      const peer = startPeer(language, 'unix', path)
      const channel = await accept(server)
      await channel.send(Uint8Array.from(bytes))
      await channel.end()
      expect(await peer.ended).toMatchObject({ status: 1, stderr: expect.stringMatching(complaint) })
      channel.destroy()
    }
  })

  test('shared-memory/posix: who takes a ring and dies before it is met does not keep the next one out', async () => {
    const name = freshName()
    const path = `/dev/shm/${name}`
    const inode = () => statSync(path, { throwIfNoEntry: false })?.ino
    const peer = startPeer(language, 'ring-listen', name)
    await peer.shown('ready')
    const first = inode()
    const dead = start('true', [])
    await dead.ended
    const segment = openSync(path, 'r+')
    const claim = 20
    writeSync(segment, Int32Array.of(dead.child.pid ?? 0), 0, 4, claim)
    closeSync(segment)
    while (inode() === first || inode() === undefined) await nextTurn()
    const channel = keep(await connect({ adapter: 'shared-memory/posix', name }, { waitForPeer: true, ...PATIENCE }))
    await exchange(channel, channel, [10])
    await channel.close()
    await fine(peer)
  })

  test('shared-memory/posix: what breaks the layout is refused', async () => {
    const name = freshName()
    const peer = startPeer(language, 'ring-listen', name)
    await peer.shown('ready')
    const segment = openSync(`/dev/shm/${name}`, 'r+')
    keep(await connect({ adapter: 'shared-memory/posix', name }, PATIENCE))
    const headOfConnector = 3072 + 128
    writeSync(segment, Int32Array.of(12), 0, 4, headOfConnector)
    closeSync(segment)
    expect(await peer.ended).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/broke the format|published more than there is room/),
    })
  })
})

const [c] = languages as [Language, Language]
describe('a peer in C that', () => {
  if (c.missing !== undefined) {
    test.skip(`${c.missing}`, () => {})
    return
  }

  test.each([
    ['half-header', 'ERR_IPC_PEER_GONE', 'inside the header of a message'],
    ['half-message', 'ERR_IPC_PEER_GONE', 'inside a message, after 4 of its bytes'],
    ['too-much', 'ERR_IPC_PROTOCOL', 'announced a message of 4294967295 bytes'],
  ])('writes %s is told by %s', async (mechanism, code, message) => {
    const { channel } = await whereNodeListens({ adapter: 'socket/unix', path: freshPath() }, c, mechanism)
    await expect(channel.receive(PATIENCE)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('says hello over a FIFO in another version is refused', async () => {
    const path = freshPath()
    const server = keep(await listen({ adapter: 'fifo/native', path }))
    startPeer(c, 'fifo-version', path)
    await expect(accept(server)).rejects.toMatchObject({ code: 'ERR_IPC_PROTOCOL' })
  })

  test('has a ring of another version is refused, and its segment left alone', async () => {
    const name = freshName()
    const peer = startPeer(c, 'ring-version', name)
    await peer.shown('ready')
    await expect(connect({ adapter: 'shared-memory/posix', name })).rejects.toMatchObject({ code: 'ERR_IPC_VERSION' })
    expect(ringsIn()).toEqual([name])
    peer.child.stdin?.end()
    await fine(peer)
    expect(ringsIn()).toEqual([])
  })

  test('finds a ring of another version refuses it', async () => {
    const name = freshName()
    const server = keep(await listen({ adapter: 'shared-memory/posix', name }))
    const segment = openSync(`/dev/shm/${name}`, 'r+')
    writeSync(segment, Int32Array.of(3), 0, 4, 4)
    closeSync(segment)
    expect(await startPeer(c, 'ring', name).ended).toMatchObject({ status: 1, stderr: expect.stringContaining('another version') })
    await server.close()
    expect(await startPeer(c, 'ring', name).ended).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody listens there') })
  })

  test('publishes more than a ring holds is told by ERR_IPC_PROTOCOL', async () => {
    const { channel } = await whereNodeListens({ adapter: 'shared-memory/posix', name: freshName() }, c, 'ring-too-much')
    await expect(channel.receive(PATIENCE)).rejects.toMatchObject({ code: 'ERR_IPC_PROTOCOL' })
  })

  test('leaves a name behind when killed while it listens is not waited for', async () => {
    const name = freshName()
    const peer = startPeer(c, 'ring-listen', name)
    await peer.shown('ready')
    peer.child.kill('SIGKILL')
    await peer.ended
    await expect(connect({ adapter: 'shared-memory/posix', name })).rejects.toMatchObject({ code: 'ERR_IPC_NOT_FOUND' })
    rmSync(`/dev/shm/${name}`)
  })

  test('takes 64 MiB at once', async () => {
    const server = keep(await listen({ adapter: 'socket/unix', path: freshPath() }))
    const peer = startPeer(c, 'unix', new URL(server.address).pathname)
    const channel = await accept(server)
    await exchange(channel, channel, [64 * MOST])
    await channel.close()
    await fine(peer)
  })
})

describe('include/ipc_playground.h', () => {
  if (c.missing !== undefined) {
    test.skip(`${c.missing}`, () => {})
    return
  }

  test('cuts random bytes as a decoder does that has them all', () => {
    const seed = randomBytes(4).readUInt32LE()
    const { status, stdout } = spawnSync(join(packageFolder, 'build/foreign/fuzz'), [String(seed), '3000'], { encoding: 'utf8' })
    expect({ seed, status }).toEqual({ seed, status: 0 })
    expect(Number(stdout)).toBeGreaterThan(0)
  })

  const compiles = (compiler: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(
      compiler,
      [
        ...args,
        '-Wall',
        '-Wextra',
        '-Wpedantic',
        '-Werror',
        '-Iinclude',
        '-include',
        'ipc_playground.h',
        '-fsyntax-only',
        '-DIPC_PLAYGROUND_IMPLEMENTATION',
        '/dev/null',
      ],
      { cwd: packageFolder, env, encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
  }

  test('is C11', () => compiles('cc', '-std=c11', '-x', 'c'))
  const noCpp = works('c++', '--version') ? '' : ' (needs a C++ compiler, c++)'
  test.skipIf(noCpp !== '')(`is C++11${noCpp}`, () => compiles('c++', '-std=c++11', '-x', 'c++'))
})
