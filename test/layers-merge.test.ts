import assert from 'node:assert/strict'
import { merge, type Peer, Result, spawnPeer } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'

const sender = (count: number, adapter: 'socket/unix' | 'shared-memory/ring' = 'socket/unix') =>
  spawnPeer(new URL('./fixtures/sender.js', import.meta.url), { adapter, args: [String(count)], killAfter: 0 })
const number = (data: Uint8Array<ArrayBuffer>): number => new Uint32Array(data.buffer)[0] ?? -1
const channelsOf = (peers: readonly Peer[]) => peers.map(({ channel }) => channel)

describe('merge', () => {
  test('every message of eight processes, each with its sender and in its order, then the end', async () => {
    const peers = await Promise.all(Array.from({ length: 8 }, (_, i) => sender(100 + i)))
    const seen = new Map(channelsOf(peers).map((channel) => [channel, 0]))
    for await (const [from, data] of merge(channelsOf(peers))) {
      assert.equal(number(data), seen.get(from))
      seen.set(from, number(data) + 1)
    }
    assert.deepEqual([...seen.values()], [100, 101, 102, 103, 104, 105, 106, 107])
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()))
  })

  test.each(['socket/unix', 'shared-memory/ring'] as const)('%s: one that floods starves nobody', async (adapter) => {
    const peers = await Promise.all([sender(Number.POSITIVE_INFINITY, adapter), sender(50, adapter), sender(50, adapter)])
    const [flood, ...quiet] = channelsOf(peers)
    assert(flood !== undefined)
    await flood.waitReadable()
    const got = new Map(quiet.map((channel) => [channel, 0]))
    for await (const [from] of merge([flood, ...quiet])) {
      if (from === flood) continue
      got.set(from, (got.get(from) ?? 0) + 1)
      if ([...got.values()].every((count) => count === 50)) break
    }
    flood.destroy()
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()))
  })

  test('who has something only later is heard although another one never pauses', async () => {
    const flood = channelPair({ over: 'message', capacity: 2 ** 20 })
    const late = channelPair({ over: 'message' })
    for (let i = 0; i < 5000; i++) flood.a.trySend(Uint8Array.of(1))
    let before = 0
    for await (const [from] of merge([flood.b, late.b])) {
      if (from === late.b) break
      if (before++ === 10) late.a.trySend(Uint8Array.of(2))
    }
    assert(before < 100, `${before} messages came before`)
  })

  test('those that have something take turns, one message each', async () => {
    const pairs = [channelPair({ over: 'message' }), channelPair({ over: 'message' }), channelPair({ over: 'message' })]
    for (const { a } of pairs) for (let i = 0; i < 3; i++) await a.send(Uint8Array.of(i))
    const order: number[] = []
    for await (const [from] of merge(pairs.map(({ b }) => b))) {
      order.push(pairs.findIndex(({ b }) => b === from))
      if (order.length === 9) break
    }
    assert.deepEqual(order, [0, 1, 2, 0, 1, 2, 0, 1, 2])
  })

  test('a receiver that fails rejects its turn alone; another loop goes on with the others', async () => {
    const peers = await Promise.all([sender(Number.POSITIVE_INFINITY, 'shared-memory/ring'), sender(3)])
    const [killed, other] = channelsOf(peers)
    assert(killed !== undefined && other !== undefined)
    await killed.waitReadable()
    process.kill(peers[0]?.pid ?? 0, 'SIGKILL')
    const merged = merge([killed, other])
    let failures = 0
    let fromOther = 0
    for (let over = false; !over; )
      try {
        for await (const [from] of merged) if (from === other) fromOther++
        over = true
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ERR_IPC_PEER_GONE')
        failures++
      }
    assert.deepEqual([failures, fromOther], [1, 3])
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()))
  })

  test('7: leaving the loop closes nothing and loses nothing', async () => {
    const pairs = [channelPair({ over: 'message' }), channelPair({ over: 'message' })] as const
    for (const { a } of pairs) for (let i = 0; i < 3; i++) await a.send(Uint8Array.of(i))
    const receivers = pairs.map(({ b }) => b)
    const got: number[] = []
    for (let loop = 0; loop < 2; loop++)
      for await (const [, data] of merge(receivers)) {
        got.push(data[0] ?? -1)
        if (got.length % 2 === 0) break
      }
    assert.deepEqual(got, [0, 0, 1, 1])
    for (const { b } of pairs) assert.deepEqual(await b.receive(), Uint8Array.of(2))
    for (const { b } of pairs) {
      assert.equal(b.state, 'open')
      assert.equal(b.tryReceiveInto(new Uint8Array(1)), Result.WOULD_BLOCK, 'no wait is left behind')
    }
  })

  test('one that this side closes has ended, also while it is waited for; nothing merged is at its end', async () => {
    const pairs = [channelPair({ over: 'message' }), channelPair({ over: 'message' })] as const
    const merged = merge(pairs.map(({ b }) => b))
    const next = merged.next()
    setImmediate(() => {
      for (const { b } of pairs) void b.close()
    })
    assert.equal((await next).done, true)
    assert.equal((await merge([]).next()).done, true)
  })

  test('a message larger than any scratch memory comes whole; one that is empty is no end', async () => {
    const { a, b } = channelPair({ over: 'message', capacity: 2 ** 20 })
    const large = new Uint8Array(500_000).fill(7)
    await a.send(large)
    await a.send(new Uint8Array())
    await a.end()
    const got: number[] = []
    for await (const [, data] of merge([b])) got.push(data.length)
    assert.deepEqual(got, [500_000, 0])
  })

  test('7: each wait takes a signal and a timeout, after which it goes on; many receivers are no leak of listeners', async ({
    onTestFinished,
  }) => {
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const pairs = Array.from({ length: 50 }, () => channelPair({ over: 'message' }))
    const merged = merge(
      pairs.map(({ b }) => b),
      { timeout: 20 },
    )
    await assert.rejects(merged.next(), { code: 'ERR_IPC_TIMEOUT' })
    await pairs[33]?.a.send(Uint8Array.of(9))
    const { value } = await merged.next()
    assert.deepEqual([value?.[0] === pairs[33]?.b, value?.[1]], [true, Uint8Array.of(9)])
    await merged.return?.()
    assert.equal((await merged.next()).done, true)
    await assert.rejects(merge([channelPair({ over: 'message' }).b], { signal: AbortSignal.abort(new Error('enough')) }).next(), /enough/)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(warnings, [])
  })

  test('calls of next() that do not wait for each other are served in order', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const merged = merge([b])
    const calls = [merged.next(), merged.next(), merged.next()]
    for (let i = 0; i < 2; i++) await a.send(Uint8Array.of(i))
    await a.end()
    const results = await Promise.all(calls)
    assert.deepEqual(
      results.map(({ value, done }) => done || value?.[1]),
      [Uint8Array.of(0), Uint8Array.of(1), true],
    )
  })
})
