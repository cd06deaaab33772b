/** How the sides of a ring wait for each other, and what that costs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { GCProfiler } from 'node:v8'
import { type AdapterId, type Address, type Channel, connect, isIpcError, listen, Result, spawnPeer } from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'
import type { Bell } from '../src/adapters/shared-memory/bell.js'
import { SMALLEST_RING, segmentBytes, segmentOver } from '../src/adapters/shared-memory/ring-buffer.js'
import { RingEndpoint } from '../src/adapters/shared-memory/ring-endpoint.js'
import { READABLE } from '../src/core/adapter.js'
import { runFolder } from '../src/core/janitor.js'
import { adapterById } from '../src/core/registry.js'
import { native } from '../src/native/index.js'
import { linger, receiveSomehow, sendSomehow } from './fixtures/ring-pauser.js'

const RINGS: AdapterId[] = ['shared-memory/ring', 'shared-memory/mmap']
const open: Channel[] = []
afterEach(() => {
  for (const channel of open.splice(0)) channel.destroy()
})

async function meet(id: AdapterId): Promise<[Channel, Channel]> {
  const adapter = await adapterById(id)
  const address = { adapter: id, ...adapter.temporary?.(runFolder()) } as Address
  const server = await listen(address)
  const [connected, accepted] = await Promise.all([connect(address), server[Symbol.asyncIterator]().next()])
  open.push(accepted.value, connected)
  return [accepted.value, connected]
}

describe.each(RINGS)('%s', (id) => {
  test('promise 8: no wake-up is lost, whatever pauses stand between messages and however each side waits', async () => {
    const peer = await spawnPeer(new URL('./fixtures/ring-pauser.js', import.meta.url), { adapter: id, args: ['answer'] })
    const { channel } = peer
    for (let round = 0; round < 1500; round++) {
      const more = Math.random() < 0.3 ? Math.floor(Math.random() * 100) : 0
      const messages = Array.from({ length: more + 1 }, (_, i) => Uint8Array.of(i === 0 ? more : i, round & 255))
      await linger()
      await sendSomehow(channel, messages)
      for (const message of messages) expect(await receiveSomehow(channel)).toEqual(message)
    }
    await channel.end()
    expect(await channel.receive({ timeout: 20_000 })).toBeNull()
    await peer[Symbol.asyncDispose]()
  })

  test('promise 8: a blocked side is woken by the end of a peer that is killed', async () => {
    const peer = await spawnPeer(new URL('./fixtures/shared-memory-peer.js', import.meta.url), { adapter: id, args: ['echo'] })
    const { sync } = peer.channel
    sync?.send(Uint8Array.of(1))
    expect(sync?.receive({ timeout: 20_000 })).toEqual(Uint8Array.of(1))
    const killer = spawn('sh', ['-c', `sleep 0.2; kill -KILL ${peer.pid}`])
    let code: unknown
    try {
      sync?.receive()
    } catch (error) {
      code = isIpcError(error) ? error.code : error
    }
    expect(code).toBe('ERR_IPC_PEER_GONE')
    await once(killer, 'close')
    await peer[Symbol.asyncDispose]()
  })

  test('promise 9: what is there already is received without garbage, and sent without', async () => {
    const [a, b] = await meet(id)
    const [out, into] = [a.zeroCopy, b.zeroCopy]
    const data = new Uint8Array(64).fill(7)
    const target = new Uint8Array(64)
    const large = new Uint8Array(4096)
    const ways: Record<string, () => void> = {
      'trySend, tryReceiveInto': () => {
        a.trySend(data)
        b.tryReceiveInto(target)
      },
      'large trySend, tryReceiveInto': () => {
        a.trySend(large)
        b.tryReceiveInto(large)
      },
      'sync.send, sync.receiveInto': () => {
        a.sync?.send(data)
        b.sync?.receiveInto(target)
      },
      'send, receiveInto': () => {
        a.send(data)
        b.receiveInto(target)
      },
      'tryClaim, tryBorrow': () => {
        out?.tryClaim(64)
        out?.commit(64)
        into?.tryBorrow()
        into?.release()
      },
      'nothing there': () => {
        b.tryReceiveInto(target)
      },
    }
    const MESSAGES = 100_000
    for (const [name, way] of Object.entries(ways)) {
      const batch = () => {
        for (let i = 0; i < MESSAGES; i++) way()
      }
      for (let i = 0; i < 3; i++) batch()
      // Compiling goes on in the background: the least of several is what the calls themselves make.
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < 5 && least >= 1; i++) {
        const profiler = new GCProfiler()
        profiler.start()
        const before = process.memoryUsage().heapUsed
        batch()
        const made = process.memoryUsage().heapUsed - before
        if (profiler.stop()?.statistics.length === 0) least = Math.min(least, made / MESSAGES)
      }
      expect(least, name).toBeLessThan(1)
    }
  })
})

describe('spinning', () => {
  const cpus = new Int32Array(1024)
  const allowed = cpus.slice(0, Math.max(0, native.schedGetAffinity(0, cpus)))
  afterEach(() => {
    native.schedSetAffinity(0, allowed)
  })

  /** The turns that a wait for `pid` would look before it sleeps. */
  function turnsFor(pid: number): number {
    let asked = -1
    const bell: Bell = {
      onRung: () => {},
      peerGone: false,
      loopFactor: 1,
      ring: () => {},
      listen: () => {},
      wait: (_interest, _in, _out, turns) => {
        asked = turns
        return 0
      },
      close: () => {},
    }
    const segment = segmentOver(new ArrayBuffer(segmentBytes(SMALLEST_RING)), SMALLEST_RING)
    const endpoint = new RingEndpoint(segment, 0, bell, () => {}, {})
    endpoint.peer = { pid, uid: 0 }
    endpoint.waitSync(READABLE, 10)
    return asked
  }

  test('is not done where both sides share the one processor that is allowed', async () => {
    const peer = spawn('sleep', ['60'])
    const pid = peer.pid ?? -1
    const one = allowed.slice(0, 1)
    expect(native.schedSetAffinity(0, one)).toBe(0)
    expect(native.schedSetAffinity(pid, one)).toBe(0)
    expect(turnsFor(pid)).toBe(0)
    peer.kill()
    await once(peer, 'exit')
  })

  test.skipIf(availableParallelism() < 2)('is done, within bounds, where each has a processor of its own', async () => {
    const peer = spawn('sleep', ['60'])
    const pid = peer.pid ?? -1
    expect(native.schedSetAffinity(0, allowed.slice(0, 1))).toBe(0)
    expect(native.schedSetAffinity(pid, allowed.slice(1, 2))).toBe(0)
    const turns = turnsFor(pid)
    expect(turns).toBeGreaterThan(0)
    expect(turns).toBeLessThanOrEqual(1000)
    peer.kill()
    await once(peer, 'exit')
  })
})

test('a receiver that waits in the event loop lets timers run, however fast the answers come', async () => {
  const [a, b] = await meet('shared-memory/ring')
  let over = false
  const timer = setTimeout(() => {
    over = true
  }, 20)
  const answering = (async () => {
    for (let message = await b.receive(); message !== null; message = await b.receive()) await b.send(message)
  })()
  const data = new Uint8Array(8)
  while (!over) {
    await a.send(data)
    await a.receive()
  }
  clearTimeout(timer)
  await a.end()
  await answering
  expect(b.tryReceiveInto(data)).toBe(Result.END)
})
