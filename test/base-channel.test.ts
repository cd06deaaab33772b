/** The channel over a pair in memory: order, bounds, faults, without a kernel. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { isIpcError } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { type Channel, Result } from '../src/core/channel.js'
import { IpcError } from '../src/core/errors.js'
import type { MemoryEndpoint } from '../src/testing/memory-endpoint.js'

const bytes = (...values: number[]) => Uint8Array.from(values)

async function all(channel: Channel): Promise<number[][]> {
  const got: number[][] = []
  for await (const message of channel) got.push([...message])
  return got
}

describe('a channel over memory', () => {
  test('3: sends, trySends and corked sends keep their order through any fullness', async () => {
    const step = fc.record({
      how: fc.constantFrom('send', 'trySend', 'cork', 'uncork', 'read', 'full', 'room', 'turn'),
      length: fc.integer({ min: 0, max: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom('message' as const, 'stream' as const), async (steps, over) => {
        const { a, b, faults } = channelPair({ over, capacity: 40 })
        const sent: number[][] = []
        const got: number[][] = []
        const sends: Promise<void>[] = []
        const target = new Uint8Array(64)
        const take = () => {
          const n = b.tryReceiveInto(target)
          if (n >= 0) got.push([...target.subarray(0, n)])
          return n >= 0
        }
        for (const [i, { how, length }] of steps.entries()) {
          const data = new Uint8Array(length).fill(i)
          if (how === 'send') {
            sent.push([...data])
            sends.push(a.send(data))
          } else if (how === 'trySend') {
            if (a.trySend(data) >= 0) sent.push([...data])
            data.fill(255) // trySend borrows nothing
          } else if (how === 'cork') a.cork()
          else if (how === 'uncork') a.uncork()
          else if (how === 'read') take()
          else if (how === 'turn') await turn()
          else faults.a.full = how === 'full'
        }
        faults.a.full = false
        const closed = a.close()
        got.push(...(await all(b)))
        await Promise.all([...sends, closed])
        assert.deepEqual(got, sent)
        assert.equal(a.queuedBytes, 0)
      }),
      { numRuns: process.env.FULL === '1' ? 1000 : 150 },
    )
  })

  test('7: whatever is aborted, every message is received once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('receive', 'abort', 'send', 'turn'), { maxLength: 50 }), async (steps) => {
        const { a, b } = channelPair({ over: 'message' })
        const got: number[] = []
        const waiting: AbortController[] = []
        const receives: Promise<unknown>[] = []
        let sent = 0
        for (const how of steps) {
          if (how === 'send') await a.send(bytes(sent++))
          else if (how === 'turn') await turn()
          else if (how === 'abort') waiting.splice(waiting.length >> 1, 1)[0]?.abort()
          else {
            const controller = new AbortController()
            waiting.push(controller)
            receives.push(
              b.receive({ signal: controller.signal }).then(
                (message) => message !== null && got.push(message[0] ?? -1),
                () => {},
              ),
            )
          }
        }
        await a.close()
        for (const [last] of await all(b)) got.push(last ?? -1)
        await Promise.all(receives)
        assert.deepEqual(
          got,
          Array.from({ length: sent }, (_, i) => i),
        )
      }),
      { numRuns: process.env.FULL === '1' ? 1000 : 150 },
    )
  })

  test('4: queuedBytes counts what waits, and maxQueuedBytes bounds it', async () => {
    const { a, b } = channelPair({ over: 'message', capacity: 10, maxQueuedBytes: 25 })
    await a.send(new Uint8Array(10))
    const sends = [a.send(new Uint8Array(10)), a.send(new Uint8Array(10))]
    assert.equal(a.queuedBytes, 20)
    await assert.rejects(a.send(new Uint8Array(10)), { code: 'ERR_IPC_FULL' })
    const last = a.send(new Uint8Array(5))
    assert.equal(a.queuedBytes, 25)
    for (let i = 0; i < 4; i++) await b.receive()
    await Promise.all([...sends, last])
    assert.equal(a.queuedBytes, 0)
    const alone = channelPair({ over: 'message', capacity: 10, maxQueuedBytes: 0 })
    await alone.a.send(new Uint8Array(10))
    const one = alone.a.send(new Uint8Array(10)) // the first that waits is always accepted
    await alone.b.receive()
    await one
  })

  test('8: a cut inside a frame is the loss of the peer, and never part of a message', async () => {
    for (let taken = 1; taken < 14; taken++) {
      const { a, b, faults } = channelPair({ capacity: taken })
      const sent = a.send(new Uint8Array(10))
      const rejected = assert.rejects(sent, { code: 'ERR_IPC_CLOSED' })
      faults.a.kill()
      await assert.rejects(b.receive(), { code: 'ERR_IPC_PEER_GONE' })
      a.destroy()
      await rejected
    }
  })

  test('8: an error of the mechanism reaches who waits, and closing still releases once', async () => {
    const { a, faults } = channelPair({ over: 'message' })
    const error = new IpcError('ERR_IPC_FAILED', 'broken on purpose')
    const received = a.receive()
    faults.a.fail(error)
    await assert.rejects(received, error)
    assert.equal(a.tryReceiveInto(new Uint8Array(1)), Result.FAILED)
    await assert.rejects(a.send(bytes(1)), error)
    await a.close()
    a.destroy()
    assert.equal((faults.a as MemoryEndpoint).closes, 1)
  })

  test('8: when the peer is killed, sends that wait reject and close does not hang', async () => {
    const { a, faults } = channelPair({ over: 'message', capacity: 4 })
    await a.send(bytes(1, 2, 3, 4))
    const sends = [a.send(bytes(5)), a.send(bytes(6))]
    const rejected = Promise.all(
      sends.map((send) => assert.rejects(send, (error) => isIpcError(error) && error.code === 'ERR_IPC_PEER_GONE')),
    )
    faults.b.kill()
    await rejected
    await a.close()
    assert.equal(a.state, 'closed')
  })

  test('8: a call in a callback that closes the channel does not disturb those behind it', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const first = b.receive().then(() => b.destroy(new Error('closed by the first')))
    const second = assert.rejects(b.receive(), /closed by the first/)
    await a.send(bytes(1))
    await first
    await second
  })

  test('9: corked sends wait for uncork, a full batch does not', async () => {
    const { a, b } = channelPair({ capacity: 1 << 20 })
    a.cork()
    const sent = a.send(bytes(1))
    await turn()
    assert.equal(b.tryReceiveInto(new Uint8Array(8)), Result.WOULD_BLOCK)
    assert.equal(a.queuedBytes > 0, true)
    a.uncork()
    await sent
    assert.deepEqual([...((await b.receive()) ?? [])], [1])
    a.cork()
    const batch = Array.from({ length: 40 }, () => a.trySend(new Uint8Array(4000)))
    assert(batch.some((taken) => taken === 4000))
    assert.equal((await b.receive())?.length, 4000, 'a full batch is published')
    a.uncork()
  })

  test('2: sends of one turn that are not awaited one by one go together', async () => {
    const { a, b, faults } = channelPair({ capacity: 1 << 20 })
    const sent = Array.from({ length: 100 }, (_, i) => a.send(bytes(i)))
    assert.equal(faults.a.writes, 1, 'the first does not wait for others')
    await Promise.all(sent)
    assert.equal(faults.a.writes, 2)
    assert.equal(a.queuedBytes, 0)
    const large = Array.from({ length: 20 }, () => a.send(new Uint8Array(4096)))
    await Promise.all(large)
    assert.equal(faults.a.writes <= 2 + 1 + 3, true, 'a batch that is full goes before the turn is over')
    const big = [a.send(bytes(1)), a.send(bytes(2)), a.send(new Uint8Array(5000)), a.send(bytes(3))]
    await Promise.all(big)
    await a.close()
    const got = await all(b)
    assert.deepEqual(
      got.slice(0, 100),
      Array.from({ length: 100 }, (_, i) => [i]),
    )
    assert.deepEqual(
      got.slice(120).map((message) => message.length),
      [1, 1, 5000, 1],
    )
  })

  test('2: whoever awaits each send has it sent by then, also beside others who do', async () => {
    const { a, b, faults } = channelPair({ capacity: 1 << 20 })
    for (let i = 1; i <= 50; i++) {
      await a.send(bytes(i))
      assert.equal(faults.a.writes, i)
      assert.equal(a.queuedBytes, 0)
    }
    const sender = async () => {
      for (let i = 0; i < 50; i++) await a.send(bytes(i))
    }
    await Promise.all([sender(), sender(), sender(), sender()])
    assert.equal(faults.a.writes < 50 + 200 - 50, true, 'four in one turn are two system calls, or few more')
    await a.close()
    assert.equal((await all(b)).length, 250)
  })

  test('3: what does not wait, or may be aborted, comes after the sends of its turn', async () => {
    const { a, b } = channelPair()
    const first = [a.send(bytes(1)), a.send(bytes(2))]
    assert.equal(a.trySend(bytes(3)), 1)
    const then = [a.send(bytes(4)), a.send(bytes(5)), a.send(bytes(6), { timeout: 60_000 }), a.send(bytes(7))]
    await Promise.all([...first, ...then])
    a.cork()
    const corked = Array.from({ length: 50 }, (_, i) => a.send(bytes(8 + i)))
    a.uncork()
    await Promise.all(corked)
    await a.close()
    assert.deepEqual(
      await all(b),
      Array.from({ length: 57 }, (_, i) => [1 + i]),
    )
  })

  test('9: sends of one turn are out before this side looks for an answer without waiting', async () => {
    const { a, b } = channelPair()
    const sent = [a.send(bytes(1)), a.send(bytes(2))]
    const target = new Uint8Array(8)
    assert.equal(b.tryReceiveInto(target), 1)
    assert.equal(b.tryReceiveInto(target), Result.WOULD_BLOCK)
    assert.equal(a.tryReceiveInto(target), Result.WOULD_BLOCK)
    assert.equal(b.tryReceiveInto(target), 1)
    await Promise.all(sent)
  })

  test('9: corked sends go in one batch', async () => {
    const { a, faults } = channelPair()
    a.cork()
    const sent = Array.from({ length: 50 }, (_, i) => a.send(bytes(i)))
    await turn()
    assert.equal(faults.a.writes, 0)
    assert.equal(a.queuedBytes, 50)
    a.uncork()
    await Promise.all(sent)
    assert.equal(faults.a.writes, 1)
    assert.equal(a.queuedBytes, 0)
  })

  test('4: the bound of what is queued concerns only what the kernel has no room for', async () => {
    const { a } = channelPair({ maxQueuedBytes: 20 })
    await Promise.all(Array.from({ length: 10 }, () => a.send(new Uint8Array(15))))
    const { a: full, b } = channelPair({ capacity: 14, maxQueuedBytes: 25 })
    const sent = [full.send(new Uint8Array(10)), full.send(new Uint8Array(10)), full.send(new Uint8Array(10))]
    assert.equal(full.queuedBytes, 20)
    await assert.rejects(full.send(new Uint8Array(10)), { code: 'ERR_IPC_FULL' })
    assert.equal(full.queuedBytes, 20 + 2 * 4, 'in frames by now')
    for (let i = 0; i < 3; i++) assert.equal((await b.receive())?.length, 10)
    await Promise.all(sent)
    assert.equal(full.queuedBytes, 0)
  })

  test('8: sends of one turn share the fate of their channel', async () => {
    const destroyed = channelPair().a
    const reason = new Error('on purpose')
    const kept = destroyed.send(bytes(1))
    const discarded = [destroyed.send(bytes(2)), destroyed.send(bytes(3))]
    destroyed.destroy(reason)
    await kept
    for (const send of discarded) await assert.rejects(send, reason)
    assert.equal(destroyed.queuedBytes, 0)

    const { a: left, faults } = channelPair()
    const early = [left.send(bytes(1)), left.send(bytes(2))]
    faults.b.kill()
    await early[0]
    await assert.rejects(early[1] as Promise<void>, { code: 'ERR_IPC_PEER_GONE' })

    const closed = channelPair()
    const flushed = [closed.a.send(bytes(1)), closed.a.send(bytes(2)), closed.a.close()]
    await Promise.all(flushed)
    assert.deepEqual(await all(closed.b), [[1], [2]])
  })

  test('5: a stream channel takes and gives bytes without boundaries', async () => {
    const { a, b } = channelPair({ framing: 'stream', capacity: 8 })
    const data = Uint8Array.from({ length: 100 }, (_, i) => i)
    const sent = a.send(data).then(() => a.end())
    const got: number[] = []
    for await (const part of b) got.push(...part)
    await sent
    assert.deepEqual(got, [...data])
  })
})
