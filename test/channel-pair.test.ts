/** The pair with faults of ipc-playground/testing: each fault, and that what it gives is what a kernel gives. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Channel, IpcError, isIpcError, listen, Result } from 'ipc-playground'
import { type ChannelPair, channelPair } from 'ipc-playground/testing'
import { afterAll, describe, test } from 'vitest'

const bytes = (...values: number[]) => Uint8Array.from(values)
const GONE = { code: 'ERR_IPC_PEER_GONE' }

/** Every message, and how it ended: `null`, or a code. */
async function all(channel: Channel): Promise<{ got: number[][]; end: string | null }> {
  const got: number[][] = []
  try {
    for await (const message of channel) got.push([...message])
    return { got, end: null }
  } catch (error) {
    assert(isIpcError(error))
    return { got, end: error.code }
  }
}

/** Whether it still waits after everything that is under way has come to rest. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let i = 0; i < 10; i++) await turn()
  return !settled
}

const folder = mkdtempSync(join(tmpdir(), 'ipc-pair-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('cut', () => {
  const messages = [bytes(), bytes(1), bytes(2, 3, 4), new Uint8Array(20).fill(5)]
  const wire = Buffer.concat(messages.flatMap((message) => [bytes(message.length, 0, 0, 0), message]))

  test('at any byte gives what a unix socket gives that is cut there', async () => {
    const server = await listen({ adapter: 'socket/unix', path: join(folder, 'cut.sock') })
    for (let at = 0; at <= wire.length; at++) {
      const socket = createConnection(join(folder, 'cut.sock'))
      await once(socket, 'connect')
      const { value: real } = await server[Symbol.asyncIterator]().next()
      socket.end(wire.subarray(0, at))
      const expected = await all(real)
      await real.close()

      const { a, b, faults } = channelPair()
      faults.a.cut(at)
      const sent = messages.map((message) => a.send(message))
      assert.deepEqual(await all(b), expected, `cut after ${at} of ${wire.length} bytes`)
      await Promise.allSettled(sent)
    }
    await server.close()
  })

  test('ends both directions: what was sent before is received, and both sides are told', async () => {
    const { a, b, faults } = channelPair()
    await b.send(bytes(7))
    faults.a.cut(4 + 2)
    const sent = a.send(bytes(1, 2, 3))
    await assert.rejects(sent, GONE)
    await assert.rejects(b.receive(), GONE)
    await assert.rejects(b.send(bytes(8)), GONE)
    assert.deepEqual(await all(a as Channel), { got: [[7]], end: null })
  })

  test('keeps messages whole where the mechanism does', async () => {
    const { a, b, faults } = channelPair({ over: 'message' })
    faults.a.cut(3)
    await a.send(bytes(1, 2))
    await assert.rejects(a.send(bytes(3, 4)), GONE)
    assert.deepEqual(await all(b), { got: [[1, 2]], end: null })
  })

  test('takes whole numbers', () => {
    const { faults } = channelPair()
    for (const wrong of [-1, 1.5, Number.NaN]) assert.throws(() => faults.a.cut(wrong), RangeError)
  })
})

describe('kill', () => {
  test('now: what was sent is read first, then the end; sends say that the peer is gone', async () => {
    const { a, b, faults } = channelPair()
    await b.send(bytes(1))
    const waiting = b.receive()
    faults.b.kill()
    await assert.rejects(waiting, { code: 'ERR_IPC_CLOSED' })
    assert.deepEqual(await all(a), { got: [[1]], end: null })
    await assert.rejects(a.send(bytes(2)), GONE)
    await assert.rejects(b.send(bytes(3)), { code: 'ERR_IPC_CLOSED' })
  })

  test('with unread input: the survivor is told by ERR_IPC_PEER_GONE, as over a socket', async () => {
    const { a, b, faults } = channelPair()
    await b.send(bytes(1))
    await a.send(bytes(2))
    faults.b.kill()
    assert.deepEqual(await all(a), { got: [[1]], end: 'ERR_IPC_PEER_GONE' })
  })

  test.each([
    ['before-send', { got: [], end: null }, { got: [], end: null }],
    ['in-send', { got: [], end: 'ERR_IPC_PEER_GONE' }, { got: [], end: null }],
    ['after-send', { got: [[1, 2, 3]], end: null }, { got: [[1, 2, 3]], end: null }],
  ] as const)('%s: nothing, a part or all of the message was on its way', async (at, overStream, overMessages) => {
    for (const [over, expected] of [
      ['stream', overStream],
      ['message', overMessages],
    ] as const) {
      const { a, b, faults } = channelPair({ over })
      faults.b.kill(at)
      const sent = b.send(bytes(1, 2, 3))
      if (at === 'after-send') await sent
      else await assert.rejects(sent, { code: 'ERR_IPC_CLOSED' })
      assert.deepEqual(await all(a), expected, over)
    }
  })

  test('after-receive: the request was taken, and no answer comes', async () => {
    const { a, b, faults } = channelPair()
    const serving = (async () => {
      for await (const request of b) await b.send(request)
    })()
    await a.send(bytes(1))
    assert.deepEqual(await a.receive(), bytes(1))
    faults.b.kill('after-receive')
    await a.send(bytes(2))
    await assert.rejects(serving, { code: 'ERR_IPC_CLOSED' })
    assert.equal(await a.receive(), null)
  })

  test('at a point that there is', () => {
    const { faults } = channelPair()
    assert.throws(() => faults.a.kill('later' as 'now'), TypeError)
  })
})

describe('delay', () => {
  test.each(['message', 'stream'] as const)('over %s: what is sent is taken, and arrives when it is released', async (over) => {
    const { a, b, faults } = channelPair({ over })
    faults.a.delay()
    for (let i = 0; i < 3; i++) await a.send(bytes(i))
    const received = [b.receive(), b.receive(), b.receive(), b.receive()]
    assert.equal(faults.a.delayed, 3)
    assert(await waits(received[0] as Promise<unknown>))
    faults.a.release(1)
    assert.deepEqual(await received[0], bytes(0))
    await a.send(bytes(3))
    assert(await waits(received[1] as Promise<unknown>), 'the rest, and what follows, is still on its way')
    faults.a.release()
    assert.deepEqual(await Promise.all(received.slice(1)), [bytes(1), bytes(2), bytes(3)])
    await a.send(bytes(4))
    assert.deepEqual(await b.receive(), bytes(4))
    await b.send(bytes(5))
    assert.deepEqual(await a.receive(), bytes(5), 'the other direction was never delayed')
  })

  test('holds what counts as full, and the end behind it', async () => {
    const { a, b, faults } = channelPair({ over: 'message', capacity: 2 })
    faults.a.delay()
    assert.equal(a.trySend(bytes(1, 2)), 2)
    assert.equal(a.trySend(bytes(3)), Result.WOULD_BLOCK)
    await a.end()
    const received = all(b)
    assert(await waits(received))
    faults.a.release()
    assert.deepEqual(await received, { got: [[1, 2]], end: null })
  })
})

describe('reorder', () => {
  test('changes the order of what is on its way, where no order is promised', async () => {
    const { a, b, faults } = channelPair({ over: 'message', order: 'none' })
    assert.equal(a.capabilities.order, 'none')
    await a.send(bytes(9))
    faults.a.delay()
    for (let i = 0; i < 3; i++) await a.send(bytes(i))
    faults.a.reorder([2, 0, 1])
    faults.a.release()
    await a.close()
    assert.deepEqual(await all(b), { got: [[9], [2], [0], [1]], end: null })
  })

  test('is refused where an order is promised, and where it names not each once', () => {
    const inOrder = channelPair({ over: 'message' }).faults.a
    inOrder.delay()
    assert.throws(() => inOrder.reorder([]), TypeError)
    const { a, faults } = channelPair({ over: 'message', order: 'none' })
    faults.a.delay()
    a.trySend(bytes(1))
    a.trySend(bytes(2))
    for (const wrong of [[], [0], [0, 0], [0, 2], [0, 1, 1]]) assert.throws(() => faults.a.reorder(wrong), RangeError, `[${wrong}]`)
  })
})

describe('full', () => {
  const cases: [string, () => ChannelPair][] = [
    ['messages', () => channelPair({ over: 'message', maxQueuedBytes: 4 })],
    ['a stream', () => channelPair({ maxQueuedBytes: 4 })],
  ]
  test.each(cases)('of %s: trySend says so, send waits and is bounded, and all of it goes when it is relieved', async (_, make) => {
    const { a, b, faults } = make()
    await a.send(bytes(0))
    faults.a.full = true
    assert.equal(faults.a.full, true)
    assert.equal(a.trySend(bytes(1)), Result.WOULD_BLOCK)
    const sent = a.send(bytes(1, 2, 3, 4))
    assert(await waits(sent))
    await assert.rejects(a.send(bytes(5)), { code: 'ERR_IPC_FULL' })
    assert.deepEqual(await b.receive(), bytes(0), 'what was taken before arrives')
    faults.a.full = false
    await sent
    assert.deepEqual(await b.receive(), bytes(1, 2, 3, 4))
    await b.send(bytes(6))
    assert.deepEqual(await a.receive(), bytes(6))
  })
})

test('fail: the error of the mechanism reaches whoever calls this side, and nobody else', async () => {
  const { a, b, faults } = channelPair()
  const error = new IpcError('ERR_IPC_PROTOCOL', 'on purpose')
  const waiting = a.receive()
  faults.a.fail(error)
  await assert.rejects(waiting, error)
  await assert.rejects(a.send(bytes(1)), error)
  await b.send(bytes(1))
})

test('chunk: short reads and writes cut no message', async () => {
  const { a, b, faults } = channelPair()
  faults.a.chunk = 1
  faults.b.chunk = 2
  const sent = [a.send(bytes(1, 2, 3)), a.send(bytes(4))]
  assert.deepEqual(await b.receive(), bytes(1, 2, 3))
  assert.deepEqual(await b.receive(), bytes(4))
  await Promise.all(sent)
  assert(faults.a.writes >= 12, 'a byte a write')
})

test('the channels are those of the library: framing, limits, peer, closing', async () => {
  const { a, b } = channelPair({ maxMessageBytes: 8 })
  assert.equal(a.peer?.pid, process.pid)
  await assert.rejects(a.send(new Uint8Array(9)), { code: 'ERR_IPC_PAYLOAD_SIZE' })
  await a.send(bytes())
  await a.close()
  assert.deepEqual(await all(b), { got: [[]], end: null })
  assert.equal(b.sync, undefined)
  const raw = channelPair({ framing: 'stream' })
  await raw.a.send(bytes(1, 2))
  assert.deepEqual(await raw.b.receive(), bytes(1, 2))
  assert.throws(() => channelPair({ over: 'message', framing: 'stream' }), TypeError)
  assert.throws(() => channelPair({ order: 'none' }), TypeError)
})
