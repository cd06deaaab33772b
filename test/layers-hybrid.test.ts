import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { type AdapterId, type Bytes, type HybridChannel, hybrid, isIpcError, spawnPeer } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { costOf, WINDOW_BYTES } from '../src/layers/hybrid/lane.js'
import {
  decodeRecord,
  encodeBody,
  encodeCredit,
  encodeEnd,
  encodeHello,
  encodeMessage,
  encodeOffer,
  type HybridRecord,
} from '../src/layers/hybrid/records.js'

const start = async (part: string, argument = '', adapter: AdapterId = 'socket/unix') =>
  spawnPeer(new URL('./fixtures/hybrid-peer.js', import.meta.url), { adapter, args: [part, argument], killAfter: 0 })
const noise = new Uint8Array(6_000_000).map((_, i) => (i * 31) >>> 2)
const pattern = (length: number, seed: number) => noise.subarray(seed, seed + length)
const pair = async (): Promise<[HybridChannel, HybridChannel, ReturnType<typeof channelPair>]> => {
  const control = channelPair({ over: 'message', capacity: 2 ** 16 })
  const [a, b] = await Promise.all([hybrid(control.a), hybrid(control.b)])
  return [a, b, control]
}

describe('hybrid between two processes', () => {
  test.each([
    'socket/unix',
    'socket/tcp',
    'pipe/anonymous',
    'message-queue/posix',
  ] as const)('over %s: messages of any size come back byte-identical and in order, then the end', async (adapter) => {
    const peer = await start('echo', '', adapter)
    const messages = await hybrid(peer.channel)
    const sizes = [0, 1, 8191, 8192, 3, 1_000_000, 64, 5_000_000, 8193, 0]
    const sends = sizes.map((size, i) => messages.send(pattern(size, i)))
    for (const [i, size] of sizes.entries()) {
      const got = await messages.receive()
      assert(got !== null && Buffer.compare(got, pattern(size, i)) === 0, `message ${i} of ${size} bytes`)
    }
    await Promise.all(sends)
    await messages.end()
    assert.equal(await messages.receive(), null)
    await messages.close()
    assert.deepEqual(await peer.exited, { code: 0, signal: null })
    await peer[Symbol.asyncDispose]()
  })

  test('an urgent message arrives before the end of a body of 50 MB that was on its way, and before what is behind that', async () => {
    const peer = await start('urgent', '50000000')
    const messages = await hybrid(peer.channel)
    const first = messages.receive()
    await messages.send(Uint8Array.of(0))
    const got = [await first, await messages.receive(), await messages.receive()]
    assert.deepEqual(
      got.map((message) => [message?.[0], message?.length]),
      [
        [3, 1],
        [1, 50_000_000],
        [2, 1],
      ],
    )
    assert.equal(await messages.receive(), null)
    await messages.close()
    await peer[Symbol.asyncDispose]()
  })

  test('a peer that is killed inside a body: what was whole is received, then ERR_IPC_PEER_GONE both ways', async () => {
    const peer = await start('killed-inside')
    const messages = await hybrid(peer.channel)
    assert.deepEqual(await messages.receive(), Uint8Array.of(1))
    const inside = messages.receive()
    await messages.send(Uint8Array.of(0))
    await assert.rejects(inside, { code: 'ERR_IPC_PEER_GONE' })
    await assert.rejects(messages.receive(), { code: 'ERR_IPC_PEER_GONE' })
    await assert.rejects(messages.send(new Uint8Array(9000)), { code: 'ERR_IPC_PEER_GONE' })
    await messages.close()
    await peer[Symbol.asyncDispose]()
  })

  test('a peer that is killed while sends wait for it, or before the sides have met', async () => {
    const peer = await start('idle')
    const messages = await hybrid(peer.channel)
    const stuck = [messages.send(new Uint8Array(10_000_000)), messages.send(Uint8Array.of(1)), messages.receive()]
    await turn()
    process.kill(peer.pid, 'SIGKILL')
    for (const result of await Promise.allSettled(stuck))
      assert.equal(result.status === 'rejected' ? result.reason.code : result.value, 'ERR_IPC_PEER_GONE')
    await messages.close()
    await peer[Symbol.asyncDispose]()

    const dead = await start('killed-before')
    await assert.rejects(hybrid(dead.channel), { code: 'ERR_IPC_PEER_GONE' })
    assert.equal(dead.channel.state, 'closed')
    await dead[Symbol.asyncDispose]()
  })
})

describe('hybrid', () => {
  test('who does not read costs a bounded amount; what is urgent still comes, and first', async () => {
    const [a, b] = await pair()
    const data = new Uint8Array(1000)
    let sent = 0
    const sends = Array.from({ length: 2000 }, () => a.send(data).then(() => sent++))
    await a.send(Uint8Array.of(9), { urgent: true })
    for (let i = 0; i < 100; i++) await turn()
    assert.equal(sent, Math.floor(WINDOW_BYTES / costOf(data.length)))
    assert.deepEqual(await b.receive(), Uint8Array.of(9))
    for (let i = 0; i < sends.length; i++) assert.equal((await b.receive())?.length, 1000)
    await Promise.all(sends)
    await Promise.all([a.close(), b.close()])
  })

  test('both directions, each with bodies and urgent messages, at one time', async () => {
    const [a, b] = await pair()
    const flow = async (from: HybridChannel, to: HybridChannel) => {
      const send = async () => {
        for (let i = 0; i < 50; i++) await Promise.all([from.send(pattern(i * 5000, i)), from.send(Uint8Array.of(i), { urgent: true })])
        await from.end()
      }
      const sending = send()
      const ordinary: number[] = []
      const urgent: number[] = []
      for await (const message of to)
        if (message.length === 1) urgent.push(message[0] ?? -1)
        else ordinary.push(message.length)
      await sending
      assert.deepEqual(
        urgent,
        Array.from({ length: 50 }, (_, i) => i),
      )
      assert.deepEqual(
        ordinary,
        Array.from({ length: 50 }, (_, i) => i * 5000),
      )
    }
    await Promise.all([flow(a, b), flow(b, a)])
    await Promise.all([a.close(), b.close()])
  })

  test('7: aborted sends send nothing, aborted receives lose nothing, also inside a body', async () => {
    const [a, b] = await pair()
    const blocked = a.send(new Uint8Array(3_000_000).fill(1))
    const controller = new AbortController()
    const aborted = a.send(Uint8Array.of(2), { signal: controller.signal })
    const late = assert.rejects(a.send(Uint8Array.of(2), { timeout: 5 }), { code: 'ERR_IPC_TIMEOUT' })
    const third = a.send(Uint8Array.of(3))
    controller.abort(new Error('enough'))
    await assert.rejects(aborted, /enough/)
    await late
    const waiting = new AbortController()
    const received = b.receive({ signal: waiting.signal })
    await turn()
    waiting.abort(new Error('not now'))
    await assert.rejects(received, /not now/)
    assert.equal((await b.receive())?.length, 3_000_000)
    assert.deepEqual(await b.receive(), Uint8Array.of(3))
    await Promise.all([blocked, third])
    await assert.rejects(b.receive({ timeout: 5 }), { code: 'ERR_IPC_TIMEOUT' })
    await Promise.all([a.close(), b.close()])
  })

  test('8: close flushes what the peer has room for; destroy rejects what waits; sends and receives after it', async () => {
    const [a, b] = await pair()
    await a.send(new Uint8Array(20_000))
    await a.close()
    await assert.rejects(a.send(new Uint8Array()), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(a.receive(), { code: 'ERR_IPC_CLOSED' })
    assert.equal((await b.receive())?.length, 20_000)
    assert.equal(await b.receive(), null)
    const waiting = assert.rejects(
      (await pair())[0].close({ timeout: 0 }).then(() => Promise.reject(new Error('closed'))),
      /closed/,
    )
    await waiting
    b.destroy()

    const [c, d] = await pair()
    const reason = new Error('enough')
    const stuck = [c.receive(), c.send(new Uint8Array(9_000_000)), c.send(new Uint8Array(1))]
    await turn()
    c.destroy(reason)
    for (const result of await Promise.allSettled(stuck)) assert.equal(result.status === 'rejected' && result.reason, reason)
    await assert.rejects(d.receive(), { code: 'ERR_IPC_PEER_GONE' })
    await d.close()
  })

  test('8: closing the channel below releases the memory, too', async () => {
    const [a, b] = await pair()
    const stuck = assert.rejects(a.send(new Uint8Array(9_000_000)), { code: 'ERR_IPC_CLOSED' })
    await turn()
    await a.channel.close()
    await stuck
    await assert.rejects(a.receive(), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(b.receive(), { code: 'ERR_IPC_PEER_GONE' })
    await b.close()
  })

  test('8: close gives up at its timeout where the peer does not read, and releases all the same', async () => {
    const [a, b] = await pair()
    const stuck = a.send(new Uint8Array(9_000_000))
    stuck.catch(() => {})
    await assert.rejects(a.close({ timeout: 20 }), { code: 'ERR_IPC_TIMEOUT' })
    assert.equal(a.channel.state, 'closed')
    await assert.rejects(stuck)
    b.destroy()
  })

  test('6: limits', async () => {
    const control = channelPair({ over: 'message' })
    const [a, b] = await Promise.all([hybrid(control.a, { maxMessageBytes: 10_000 }), hybrid(control.b, { maxMessageBytes: 9_000 })])
    await assert.rejects(a.send(new Uint8Array(10_001)), { code: 'ERR_IPC_PAYLOAD_SIZE' })
    await assert.rejects(a.send(new Uint8Array(8192), { urgent: true }), { code: 'ERR_IPC_PAYLOAD_SIZE' })
    // @ts-expect-error bytes alone
    await assert.rejects(a.send('text'), TypeError)
    a.send(new Uint8Array(10_000)).catch(() => {})
    await assert.rejects(b.receive(), { code: 'ERR_IPC_PROTOCOL' })
    a.destroy()
    b.destroy()
    await assert.rejects(hybrid(channelPair({ over: 'message', payload: { min: 0, max: 63 } }).a), TypeError)
    // @ts-expect-error a stream is not a message channel
    await assert.rejects(hybrid(channelPair({ framing: 'stream' }).a), TypeError)
    await assert.rejects(hybrid(channelPair({ over: 'message' }).a, { maxMessageBytes: 0 }), RangeError)
  })

  test('a peer of another version, one that mirrors, one that knows nothing of it, and none at all', async () => {
    const cases: [string, Uint8Array[] | 'mirror'][] = [
      ['ERR_IPC_VERSION', [Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0, ...new Uint8Array(16))]],
      ['ERR_IPC_PROTOCOL', 'mirror'],
      ['ERR_IPC_PROTOCOL', [new TextEncoder().encode('GET / HTTP/1.0')]],
      ['ERR_IPC_PROTOCOL', [encodeHello(new Uint8Array(16)), encodeEnd()]],
      ['ERR_IPC_NOT_FOUND', [encodeHello(new Uint8Array(16).fill(255)), encodeOffer('nobody-made-this-ring')]],
      ['ERR_IPC_TIMEOUT', [encodeHello(new Uint8Array(16).fill(255))]],
      ['ERR_IPC_TIMEOUT', [encodeHello(new Uint8Array(16))]],
    ]
    for (const [code, said] of cases) {
      const { a, b } = channelPair({ over: 'message' })
      const meeting = hybrid(a, { timeout: code === 'ERR_IPC_TIMEOUT' ? 20 : 5000 })
      const failed = assert.rejects(meeting, (error) => isIpcError(error) && error.code === code)
      if (said === 'mirror') await b.send((await b.receive()) as Bytes)
      else for (const message of said) await b.send(message)
      await failed
      assert.equal(a.state, 'closed')
      await b.close()
    }
  })

  test('12: what a peer writes after the sides have met yields messages or an error', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .tuple(fc.integer({ min: 0, max: 7 }), fc.nat(300_000), fc.uint8Array({ maxLength: 20 }))
        .map(([kind, argument, rest]) => Uint8Array.of(kind, 0, 0, 0, argument, argument >>> 8, argument >>> 16, 0, ...rest)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 8 }), async (records) => {
        const [a, b, control] = await pair()
        for (const record of records) await control.a.send(record).catch(() => {})
        a.destroy()
        try {
          for await (const message of b) assert(message.length <= 30)
        } catch (error) {
          assert(isIpcError(error) && /PROTOCOL|PEER_GONE/.test(error.code), String(error))
        }
        await b.close()
      }),
      { numRuns: 100 },
    )
  })

  test('12: more than there is credit for, credit that was never taken, what comes behind the end', async () => {
    const flood = Array.from({ length: 40 }, () => encodeMessage(new Uint8Array(8000), false))
    for (const records of [
      flood,
      [encodeCredit(300_000, 0)],
      [encodeCredit(0, 64)],
      [encodeEnd(), encodeEnd()],
      [encodeEnd(), encodeMessage(Uint8Array.of(1), true)],
    ]) {
      const [, b, control] = await pair()
      const got = (async () => {
        await turn()
        for (;;) await b.send(Uint8Array.of(1)).then(turn)
      })()
      for (const record of records) control.a.send(record).catch(() => {})
      await assert.rejects(got, { code: 'ERR_IPC_PROTOCOL' })
      b.destroy()
    }
  })

  test('records are read as they were written', () => {
    const word = fc.nat(2 ** 32 - 1)
    const data = fc.uint8Array({ maxLength: 50 }).map((bytes) => new Uint8Array(bytes))
    const same = (bytes: Bytes, record: HybridRecord) => assert.deepEqual(decodeRecord(bytes), record)
    fc.assert(
      fc.property(word, word, data, fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.boolean(), (one, two, bytes, random, urgent) => {
        const nonce = new Uint8Array(random)
        same(encodeHello(nonce), { kind: 'hello', version: 1, nonce })
        same(encodeOffer('hybrid-é'), { kind: 'offer', name: 'hybrid-é' })
        same(encodeMessage(bytes, urgent), { kind: urgent ? 'urgent' : 'message', data: bytes })
        same(encodeBody(one), { kind: 'body', length: one })
        same(encodeCredit(one, two), { kind: 'credit', ordinary: one, urgent: two })
        same(encodeEnd(), { kind: 'end' })
      }),
    )
  })
})
