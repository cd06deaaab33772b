import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fragmented, isIpcError, spawnPeer } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { adapterById } from '../src/core/registry.js'

const shapes = [
  { min: 4, max: 4 },
  { min: 0, max: 4 },
  { min: 8, max: 8 },
  { min: 3, max: 5 },
  { min: 0, max: 4096 },
  { min: 100, max: 100 },
]

const pair = (payload: { min: number; max: number }, options = {}) => {
  const { a, b } = channelPair({ over: 'message', payload, capacity: 4096 })
  return { a: fragmented(a, options), b: fragmented(b, options), raw: a }
}

describe('fragmented', () => {
  test('6: a megabyte travels over words of exactly 4 bytes, byte-identical', async () => {
    const { a, b } = pair({ min: 4, max: 4 })
    const data = new Uint8Array(1024 * 1024)
    for (let i = 0; i < data.length; i++) data[i] = (i * 31) >>> 3
    const received = b.receive()
    await a.send(data)
    const got = await received
    assert(got !== null && Buffer.compare(got, data) === 0)
  })

  test(
    '6: a megabyte travels over real-time signals to another process and back, byte-identical',
    { timeout: 60_000 },
    async ({ skip }) => {
      const reason = (await adapterById('signal/realtime')).unavailable()
      if (reason !== undefined) skip(reason)
      const peer = await spawnPeer(new URL('./fixtures/fragmented-echo.js', import.meta.url), { adapter: 'signal/realtime' })
      const messages = fragmented(peer.channel)
      const data = new Uint8Array(1024 * 1024)
      for (let i = 0; i < data.length; i++) data[i] = (i * 31) >>> 3
      await messages.send(data)
      const got = await messages.receive()
      await peer[Symbol.asyncDispose]()
      assert(got !== null && Buffer.compare(got, data) === 0)
    },
  )

  test('6: any sizes over any payload of a word or more, in order, and then the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...shapes),
        fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 8 }),
        async (payload, sent) => {
          const { a, b } = pair(payload)
          const sends = sent.map((message) => a.send(message))
          const ended = a.end()
          for (const message of sent) assert.deepEqual(await b.receive(), message)
          assert.equal(await b.receive(), null)
          await Promise.all([...sends, ended])
          await Promise.all([a.close(), b.close()])
        },
      ),
      { numRuns: process.env.FULL === '1' ? 500 : 60 },
    )
  })

  test('6: less than a word, and channels that lose parts, are refused', () => {
    for (const payload of [
      { min: 0, max: 0 },
      { min: 0, max: 3 },
    ])
      assert.throws(() => fragmented(channelPair({ over: 'message', payload }).a), TypeError)
    assert.throws(() => fragmented(channelPair().a, { maxMessageBytes: 0 }), RangeError)
  })

  test('6: one byte over maxMessageBytes is refused on both sides', async () => {
    const { a, b } = pair({ min: 4, max: 4 }, { maxMessageBytes: 100 })
    await assert.rejects(a.send(new Uint8Array(101)), { code: 'ERR_IPC_PAYLOAD_SIZE' })
    await a.send(new Uint8Array(100))
    assert.equal((await b.receive())?.length, 100)
    const strict = pair({ min: 0, max: 64 }, { maxMessageBytes: 100 })
    await strict.raw.send(Uint8Array.of(101, 0, 0, 0))
    await assert.rejects(strict.b.receive(), { code: 'ERR_IPC_PROTOCOL' })
    await assert.rejects(strict.b.receive(), { code: 'ERR_IPC_PROTOCOL' })
  })

  test('12: malformed parts are errors', async () => {
    for (const parts of [[[1, 0]], [[2, 0, 0, 0, 1, 2, 3]], [[2, 0, 0, 0], []], [[0xff, 0xff, 0xff, 0xff]]]) {
      const { b, raw } = pair({ min: 0, max: 64 })
      for (const part of parts) await raw.send(Uint8Array.from(part))
      await assert.rejects(b.receive(), { code: 'ERR_IPC_PROTOCOL' })
    }
  })

  test('12: any bytes from the peer yield messages or an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }), async (parts) => {
        const { b, raw } = pair({ min: 0, max: 64 })
        for (const part of parts) await raw.send(part)
        await raw.end()
        try {
          for await (const message of b) assert(message.length < 400)
        } catch (error) {
          assert(isIpcError(error) && (error.code === 'ERR_IPC_PROTOCOL' || error.code === 'ERR_IPC_PEER_GONE'), String(error))
        }
      }),
    )
  })

  test('5: an end inside a message is an error', async () => {
    const { b, raw } = pair({ min: 4, max: 4 })
    await raw.send(Uint8Array.of(5, 0, 0, 0))
    await raw.send(Uint8Array.of(1, 2, 3, 4))
    await raw.end()
    await assert.rejects(b.receive(), { code: 'ERR_IPC_PEER_GONE' })
  })

  test('7: a receive aborted inside a message leaves what arrived to the next', async () => {
    const { b, raw } = pair({ min: 4, max: 4 })
    await raw.send(Uint8Array.of(6, 0, 0, 0))
    await raw.send(Uint8Array.of(1, 2, 3, 4))
    await assert.rejects(b.receive({ timeout: 10 }), { code: 'ERR_IPC_TIMEOUT' })
    const received = b.receive()
    await raw.send(Uint8Array.of(5, 6, 0, 0))
    assert.deepEqual([...((await received) ?? [])], [1, 2, 3, 4, 5, 6])
  })

  test('7: concurrent sends do not mix, and a send aborted before its first part sends nothing', async () => {
    const { a, b } = pair({ min: 4, max: 4 })
    const controller = new AbortController()
    const first = a.send(new Uint8Array(3000).fill(1))
    const second = a.send(new Uint8Array(10).fill(2), { signal: controller.signal })
    const third = a.send(new Uint8Array(20).fill(3))
    controller.abort(new Error('enough'))
    const got = [await b.receive(), await b.receive()]
    assert.deepEqual(
      got.map((message) => [message?.length, message?.[0]]),
      [
        [3000, 1],
        [20, 3],
      ],
    )
    await assert.rejects(second, /enough/)
    await Promise.all([first, third])
  })
})
