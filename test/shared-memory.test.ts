import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type AdapterId, type Address, type Channel, connect, isIpcError, listen, Result, spawnPeer } from 'ipc-playground'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MAGIC, segmentBytes, VERSION } from '../src/adapters/shared-memory/ring-buffer.js'
import { AF_UNIX, SOCK_SEQPACKET, native as socket } from '../src/adapters/socket/native.js'
import { runFolder } from '../src/core/janitor.js'
import { adapterById } from '../src/core/registry.js'
import { native } from '../src/native/memory.js'

const peerModule = new URL('./fixtures/shared-memory-peer.js', import.meta.url)
const NAMED: AdapterId[] = ['shared-memory/ring', 'shared-memory/posix', 'shared-memory/mmap', 'shared-memory/sysv']
const ALL: AdapterId[] = [...NAMED, 'shared-memory/worker']
const run = promisify(execFile)

/** Everything with a name that this process made. */
const census = () => [
  ...readdirSync('/dev/shm').filter((name) => name.includes(`ipc-playground-${process.pid}-`) || name.includes(`ipctest-${process.pid}`)),
  ...readdirSync(runFolder()).filter((name) => name.startsWith(`${process.pid}-`) && name.endsWith('.ring')),
  ...readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line.split(/\s+/)[5] === `${process.pid}`),
]
let before: string[] = []
beforeEach(() => {
  before = census()
})
afterEach(() => {
  expect(census().filter((name) => !before.includes(name))).toEqual([])
})

const spawned = (adapter: AdapterId, role: string) =>
  spawnPeer(peerModule, { adapter, args: [role], thread: adapter === 'shared-memory/worker' })

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
  } catch (error) {
    return isIpcError(error) ? error.code : String(error)
  }
  return undefined
}

async function addressOf(id: AdapterId): Promise<Address> {
  const adapter = await adapterById(id)
  return { adapter: id, ...adapter.temporary?.(runFolder()) } as Address
}

async function meet(id: AdapterId): Promise<[Channel, Channel]> {
  const address = await addressOf(id)
  const server = await listen(address)
  const [connected, accepted] = await Promise.all([connect(address), server[Symbol.asyncIterator]().next()])
  return [accepted.value, connected]
}

describe.each(ALL)('%s between two', (id) => {
  test('promise 2: every size up to the limit comes back identical', async () => {
    const peer = await spawned(id, 'echo')
    const { channel } = peer
    const { max } = channel.capabilities.payload
    for (const length of [0, 1, 7, 8, 9, 63, 64, 65, 4096, 65536, 65537, max]) {
      const sent = Uint8Array.from({ length }, (_, i) => (i * 13 + length) & 255)
      const [, back] = await Promise.all([channel.send(sent), channel.receive()])
      expect(back?.length).toBe(length)
      expect(Buffer.compare(sent, back ?? new Uint8Array())).toBe(0)
    }
    expect(await codeOf(channel.send(new Uint8Array(max + 1)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    await peer[Symbol.asyncDispose]()
  })

  test('promise 5: the peer ends its direction and goes on receiving', async () => {
    const peer = await spawned(id, 'ends')
    expect(await peer.channel.receive()).toEqual(new Uint8Array([7]))
    expect(await peer.channel.receive()).toBeNull()
    await peer.channel.send(new Uint8Array(100))
    await peer[Symbol.asyncDispose]()
    expect((await peer.exited).code).toBe(0)
  })

  test('promise 8: no wake-up is lost when both sides change at random between loop and blocking', async () => {
    const peer = await spawned(id, 'mixed')
    const { channel } = peer
    const { sync } = channel
    const rounds = 4000
    for (let i = 0; i < rounds; i++) {
      const word = new Uint8Array(new Uint32Array([i]).buffer)
      if (Math.random() < 0.5) await channel.send(word)
      else sync?.send(word)
      const back = Math.random() < 0.5 ? await channel.receive({ timeout: 10_000 }) : sync?.receive({ timeout: 10_000 })
      expect(new Uint32Array(back?.slice().buffer ?? new ArrayBuffer(4))[0]).toBe(i)
    }
    await peer[Symbol.asyncDispose]()
  }, 60_000)

  test('promise 4: a flood larger than the ring waits for room and arrives in order', async () => {
    const peer = await spawned(id, 'echo')
    const { channel } = peer
    const count = 3000
    const sending = (async () => {
      for (let i = 0; i < count; i++) await channel.send(new Uint8Array(1000).fill(i & 255))
      await channel.end()
    })()
    let seen = 0
    for await (const message of channel) expect(message[999]).toBe(seen++ & 255)
    expect(seen).toBe(count)
    await sending
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('promise 8: a peer that is killed is noticed after what it sent', async () => {
    if (id === 'shared-memory/worker') return // a thread cannot be killed alone; see `exits`
    const peer = await spawned(id, 'dies')
    expect(await peer.channel.receive()).toEqual(new Uint8Array([1]))
    expect(await codeOf(peer.channel.receive())).toBe('ERR_IPC_PEER_GONE')
    expect(await codeOf(peer.channel.send(new Uint8Array(1)))).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  })

  test('promise 10: what was sent right before process.exit() arrives', async () => {
    const peer = await spawned(id, 'exits')
    expect(await peer.channel.receive()).toEqual(new Uint8Array([1]))
    expect(await codeOf(peer.channel.receive())).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  })

  test('promise 9: in place, and gone after close', async () => {
    const peer = await spawned(id, 'echo')
    const { zeroCopy } = peer.channel
    expect(zeroCopy !== undefined).toBe(peer.channel.capabilities.zeroCopy)
    if (zeroCopy !== undefined) {
      const claim = await zeroCopy.claim(1000)
      claim.data.fill(5)
      claim.commit(999)
      const loan = await zeroCopy.borrow()
      expect(loan?.data.length).toBe(999)
      expect(loan?.data.every((byte) => byte === 5)).toBe(true)
      loan?.release()
      const { memory } = zeroCopy
      await peer[Symbol.asyncDispose]()
      expect(memory.length).toBe(0)
    } else await peer[Symbol.asyncDispose]()
  })
})

describe.each(NAMED)('%s by name', (id) => {
  test('one peer: a second gets BUSY or NOT_FOUND; a second listener EXISTS', async () => {
    const address = await addressOf(id)
    expect(await codeOf(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    const server = await listen(address)
    expect(await codeOf(listen(address))).toBe('ERR_IPC_EXISTS')
    const attempts = await Promise.allSettled([connect(address), connect(address), connect(address)])
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled')
    expect(won.length).toBe(1)
    for (const attempt of attempts)
      if (attempt.status === 'rejected') expect(['ERR_IPC_BUSY', 'ERR_IPC_NOT_FOUND']).toContain(attempt.reason.code)
    const { value } = await server[Symbol.asyncIterator]().next()
    expect(value.peer.pid).toBe(process.pid)
    expect(await codeOf(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    for (const attempt of won) if (attempt.status === 'fulfilled') attempt.value.destroy()
    await server.close()
  })

  test('a listener that closes leaves no name', async () => {
    const address = await addressOf(id)
    const server = await listen(address)
    await server.close()
    expect(await codeOf(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    const again = await listen(address)
    await again.close()
  })

  test('whom the listener does not allow is turned away, and the next may come', async () => {
    const address = await addressOf(id)
    let asked = 0
    const server = await listen(address, { allow: () => ++asked > 1 })
    const first = async () => {
      const channel = await connect(address)
      await channel.receive().finally(() => channel.destroy())
    }
    expect(['ERR_IPC_PERMISSION', 'ERR_IPC_PEER_GONE']).toContain(await codeOf(first()))
    const second = await connect(address, { waitForPeer: true, timeout: 5000 })
    await second.send(new Uint8Array([4]))
    const { value } = await server[Symbol.asyncIterator]().next()
    expect(await value.receive()).toEqual(new Uint8Array([4]))
    await second.close()
    await server.close()
  })

  test('the listener decides how large the ring is', async () => {
    const typed = await addressOf(id)
    const server = await listen({ ...(typed as object), bytes: 10_000 } as Address)
    expect(server.address).toContain('bytes=10000')
    const [channel] = await Promise.all([connect(typed), server[Symbol.asyncIterator]().next()])
    expect(channel.capabilities.payload.max).toBe(16384 / 2 - 8)
    await server.close()
    channel.destroy()
  })

  test('malformed addresses are programming mistakes', async () => {
    await expect(listen({ ...((await addressOf(id)) as object), bytes: 100 } as Address)).rejects.toBeInstanceOf(RangeError)
    if (id !== 'shared-memory/mmap') {
      await expect(listen({ adapter: id, name: 'a/b' } as Address)).rejects.toBeInstanceOf(TypeError)
      await expect(listen({ adapter: id, name: 'x'.repeat(300) } as Address)).rejects.toBeInstanceOf(RangeError)
    }
  })
})

describe('hostile memory', () => {
  test.each(['shared-memory/posix', 'shared-memory/mmap'] as const)('%s truncated under us is ERR_IPC_PROTOCOL, not SIGBUS', async (id) => {
    const script = `
      import { connect, listen } from 'ipc-playground'
      import { adapterById } from '${new URL('../src/core/registry.js', import.meta.url)}'
      import { openSync, ftruncateSync } from 'node:fs'
      const typed = (await adapterById('${id}')).temporary('${runFolder()}')
      const address = { adapter: '${id}', ...typed }
      const server = await listen(address)
      const fd = openSync(typed.path ?? '/dev/shm/' + typed.name, 'r+')
      const [a, { value: b }] = await Promise.all([connect(address), server[Symbol.asyncIterator]().next()])
      await a.send(new Uint8Array(100))
      ftruncateSync(fd, 0)
      const codes = []
      for (const call of [() => a.send(new Uint8Array(64)), () => b.receive(), () => a.receive(), () => b.send(new Uint8Array(9))])
        codes.push(await call().then(() => 'fine', (error) => error.code))
      console.log(JSON.stringify(codes))
      a.destroy(); b.destroy()
    `
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: new URL('../..', import.meta.url) })
    expect(JSON.parse(stdout)).toEqual(Array(4).fill('ERR_IPC_PROTOCOL'))
  })

  test('a SIGBUS that is not ours still kills', async () => {
    const script = `import 'ipc-playground'; const { openSharedMemory } = await import('ipc-playground')
      const m = await openSharedMemory('ipctest-bus-' + process.pid, { create: 'exclusive', bytes: 10 }); m.unlink()
      process.kill(process.pid, 'SIGBUS'); setTimeout(() => {}, 5000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: new URL('../..', import.meta.url) })
    const [, signal] = await once(child, 'exit')
    expect(signal).toBe('SIGBUS')
  })

  test('a file that is no segment of ours is refused', async () => {
    const path = join(runFolder(), 'garbage.bin')
    for (const size of [1, 100, 4096, 100_000]) {
      writeFileSync(path, new Uint8Array(size).fill(0xa5))
      expect(['ERR_IPC_VERSION', 'ERR_IPC_NOT_FOUND']).toContain(await codeOf(connect({ adapter: 'shared-memory/mmap', path })))
    }
    truncateSync(path, 0)
    expect(await codeOf(connect({ adapter: 'shared-memory/mmap', path }))).toBe('ERR_IPC_NOT_FOUND')
    ;(await import('node:fs')).unlinkSync(path)
  })

  test('a /dev/shm that is full is ERR_IPC_LIMIT, and leaves nothing', async (context) => {
    const script = `import { listen, openSharedMemory } from 'ipc-playground'; import { readdirSync } from 'node:fs'
      const code = (p) => p.then(() => 'fine', (e) => e.code)
      console.log(JSON.stringify([await code(listen('shm+posix:///big')), await code(openSharedMemory('big', { create: 'exclusive', bytes: 2e6 })), readdirSync('/dev/shm')]))`
    const command = `mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$0" --input-type=module -e "$1"`
    const result = await run('unshare', ['-m', 'sh', '-c', command, process.execPath, script], {
      cwd: new URL('../..', import.meta.url),
    }).catch((error) => error)
    if (typeof result.stdout !== 'string' || result.stdout === '') return context.skip('this host allows no mount namespace')
    expect(JSON.parse(result.stdout)).toEqual(['ERR_IPC_LIMIT', 'ERR_IPC_LIMIT', []])
  })
})

describe('a worker that ends in the middle', () => {
  test.each(NAMED)('%s: waiting thread and mapping go with it', async (id) => {
    const address = await addressOf(id)
    const server = await listen(address)
    const worker = new Worker(
      `import('ipc-playground').then(async ({ connect }) => {
         const channel = await connect(${JSON.stringify(address)}); await channel.send(new Uint8Array(1)); channel.receive().catch(() => {})
       })`,
      { eval: true },
    )
    const { value } = await server[Symbol.asyncIterator]().next()
    await value.receive()
    expect(await worker.terminate()).toBe(1)
    value.destroy()
    await server.close()
  })
})

test('semaphore/atomics: counts, ends, and notices the end of its peer', async () => {
  const [a, b] = await meet('semaphore/atomics')
  const nothing = new Uint8Array(0)
  for (let i = 0; i < 5; i++) await a.send(nothing)
  await a.end()
  for (let i = 0; i < 5; i++) expect(b.tryReceiveInto(nothing)).toBe(0)
  expect(b.tryReceiveInto(nothing)).toBe(Result.END)
  expect(await codeOf(b.send(new Uint8Array(1)))).toBe('ERR_IPC_PAYLOAD_SIZE')
  const waiting = a.receive()
  await b.send(nothing)
  expect((await waiting)?.length).toBe(0)
  await b.close()
  expect(await a.receive()).toBeNull()
  await a.close()
  const peer = await spawnPeer(peerModule, { adapter: 'semaphore/atomics', args: ['mixed'] })
  for (let i = 0; i < 2000; i++) {
    await peer.channel.send(nothing)
    expect((await peer.channel.receive({ timeout: 10_000 }))?.length).toBe(0)
  }
  await peer[Symbol.asyncDispose]()
}, 30_000)

describe('shared-memory/ring against strangers', () => {
  test.runIf(process.geteuid?.() === 0)('who squats on a name as another user is not connected to', async () => {
    const theirs = mkdtempSync(join(tmpdir(), 'ipc-run-'))
    chownSync(theirs, 65534, 65534)
    const url = `shm:///squatted-${process.pid}`
    const squatter = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/abandoned-listener.js', import.meta.url)), url], {
      uid: 65534,
      gid: 65534,
      env: { ...process.env, XDG_RUNTIME_DIR: theirs },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(squatter, 'exit')
    await once(squatter.stdout, 'data')
    expect(await codeOf(connect(url, { timeout: 5000 }))).toBe('ERR_IPC_PERMISSION')
    squatter.kill('SIGKILL')
    await exited
    rmSync(theirs, { recursive: true })
  })

  test('eventfds that block are made not to', async () => {
    const name = `blocking-${process.pid}`
    const ring = 64 * 1024
    const listener = socket.socketOpen(AF_UNIX, SOCK_SEQPACKET, 0)
    expect(socket.socketBind(listener, AF_UNIX, `@ipc-playground/${name}`, 0)).toBe(0)
    expect(socket.socketListen(listener, 1)).toBe(0)
    const connecting = connect(`shm:///${name}`, { timeout: 5000 })
    let connection = -1
    while (connection < 0) {
      await turn()
      connection = socket.socketAccept(listener)
    }
    const memory = native.memoryCreateSealed('ipc-ring', segmentBytes(ring))
    const bells = [native.eventfdOpen(), native.eventfdOpen()] as const
    for (const bell of bells) native.fdSetNonblock(bell, 0)
    const offer = new Uint8Array(new Uint32Array([MAGIC, VERSION, ring]).buffer)
    expect(native.fdSendDescriptors(connection, offer, Int32Array.of(memory, ...bells))).toBe(offer.length)
    native.fdWrite(connection, Uint8Array.of(1))
    const channel = await connecting
    for (const bell of bells) {
      const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${bell}`, 'utf8'))?.[1] ?? '0'
      expect(Number.parseInt(flags, 8) & constants.O_NONBLOCK).toBe(constants.O_NONBLOCK)
    }
    channel.destroy()
    for (const fd of [listener, connection, memory, ...bells]) native.fdClose(fd)
  })
})
