import { readdirSync, readlinkSync } from 'node:fs'
import { type AdapterId, isIpcError, spawnPeer } from 'ipc-playground'
import { describe, expect, test } from 'vitest'

const peerModule = new URL('./fixtures/stream-peer.js', import.meta.url)
const spawned = (adapter: AdapterId, task: string) => spawnPeer(peerModule, { adapter, args: [task], timeout: 10_000, killAfter: 1000 })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )
const pipes = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:')
    } catch {
      return false
    }
  }).length
const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff)

describe('pipe/packet', () => {
  test('messages of every size keep their boundaries', async () => {
    const before = pipes()
    const peer = await spawned('pipe/packet', 'echo')
    const sizes = [1, 2, 100, 4095, 4096]
    for (const size of sizes) await peer.channel.send(bytes(size, size))
    for (const size of sizes) expect(await peer.channel.receive({ timeout: 5000 })).toEqual(bytes(size, size))
    expect(await codeOf(peer.channel.send(new Uint8Array(4097)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    expect(await codeOf(peer.channel.send(new Uint8Array(0)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    await peer.channel.end()
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    await peer[Symbol.asyncDispose]()
    expect(pipes()).toBe(before)
  }, 30_000)

  test('a message that does not fit the target stays whole', async () => {
    const peer = await spawned('pipe/packet', 'echo')
    await peer.channel.send(bytes(1000, 1))
    await peer.channel.send(bytes(10, 2))
    expect(await peer.channel.receiveInto(new Uint8Array(10), { timeout: 5000 })).toBe(-6)
    expect(peer.channel.tryReceiveInto(new Uint8Array(999))).toBe(-6)
    expect(await peer.channel.waitReadable({ timeout: 5000 })).toBe(true)
    const target = new Uint8Array(1000)
    expect(peer.channel.tryReceiveInto(target)).toBe(1000)
    expect(target).toEqual(bytes(1000, 1))
    expect(await peer.channel.receive({ timeout: 5000 })).toEqual(bytes(10, 2))
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('16 pages fill the pipe; then send waits and nothing is lost', async () => {
    const peer = await spawned('pipe/packet', 'echo')
    const sends = Array.from({ length: 500 }, (_, i) => peer.channel.send(bytes(1 + (i % 4096), i)))
    for (let i = 0; i < 500; i++) expect(await peer.channel.receive({ timeout: 5000 })).toEqual(bytes(1 + (i % 4096), i))
    await Promise.all(sends)
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('blocking calls', async () => {
    const peer = await spawned('pipe/packet', 'sync')
    for (let i = 1; i < 200; i++) {
      peer.channel.sync?.send(bytes(i, i))
      expect(peer.channel.sync?.receive({ timeout: 5000 })).toEqual(bytes(i, i))
    }
    await peer[Symbol.asyncDispose]()
  }, 30_000)
})

describe('pipe/stdio', () => {
  test('messages both ways, large ones too, and the end', async () => {
    const peer = await spawned('pipe/stdio', 'echo')
    expect(peer.channel.sync).toBeUndefined()
    for (const size of [0, 1, 70_000, 3_000_000]) {
      const sent = peer.channel.send(bytes(size, 3))
      expect(Buffer.from((await peer.channel.receive({ timeout: 10_000 })) ?? []).equals(bytes(size, 3))).toBe(true)
      await sent
    }
    peer.channel.cork()
    const corked = Array.from({ length: 100 }, (_, i) => peer.channel.send(bytes(i, i)))
    peer.channel.uncork()
    await Promise.all(corked)
    for (let i = 0; i < 100; i++) expect(await peer.channel.receive({ timeout: 5000 })).toEqual(bytes(i, i))
    await peer.channel.end()
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    expect(await peer.exited).toEqual({ code: 0, signal: null })
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('a full channel makes send wait, and trySend says so', async () => {
    const peer = await spawned('pipe/stdio', 'echo')
    const big = new Uint8Array(8 * 1024 * 1024)
    let settled = false
    const sent = peer.channel.send(big).then(() => {
      settled = true
    })
    expect(peer.channel.trySend(bytes(1, 1))).toBe(-1)
    expect(peer.channel.queuedBytes).toBeGreaterThan(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    expect((await peer.channel.receive({ timeout: 10_000 }))?.length).toBe(big.length)
    await sent
    await peer[Symbol.asyncDispose]()
  }, 30_000)
})

describe.each(['pipe/anonymous', 'pipe/packet', 'pipe/stdio'] as const)('%s', (adapter) => {
  test('a peer that sends and exits at once loses nothing', async () => {
    const peer = await spawned(adapter, 'exit')
    for (let i = 0; i < 1000; i++)
      expect(new TextDecoder().decode((await peer.channel.receive({ timeout: 5000 })) ?? undefined)).toBe(`message ${i}`)
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('a peer that is killed', async () => {
    const peer = await spawned(adapter, 'echo')
    await peer.channel.send(bytes(5, 5))
    expect(await peer.channel.receive({ timeout: 5000 })).toEqual(bytes(5, 5))
    process.kill(peer.pid, 'SIGKILL')
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    await peer.exited
    const sends = async () => {
      for (;;) await peer.channel.send(bytes(1, 1), { timeout: 5000 })
    }
    expect(await codeOf(sends())).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  }, 30_000)
})
