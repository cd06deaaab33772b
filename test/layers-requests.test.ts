import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type AdapterId, type Bytes, isIpcError, requester, respond, spawnPeer } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { decodeFrame, encodeAnswer, encodeCancel, encodeFailure, encodeRequest, Why } from '../src/layers/requests/frames.js'

const bytes = (text: string): Bytes => new TextEncoder().encode(text) as Bytes
const text = (data: Uint8Array): string => new TextDecoder().decode(data)
const child = (adapter: AdapterId = 'socket/unix') => spawnPeer(new URL('./fixtures/responder.js', import.meta.url), { adapter })
const code = (expected: string) => (error: unknown) => isIpcError(error) && error.code === expected

describe('requests between two processes', () => {
  test.each([
    'socket/unix',
    'shared-memory/ring',
    'pipe/anonymous',
    'message-queue/posix',
  ] as const)('%s: many in flight, answered out of order, each by its own answer', async (adapter) => {
    const peer = await child(adapter)
    const ask = requester(peer.channel)
    const order: string[] = []
    const note = (answer: Bytes) => order.push(text(answer))
    const held = Array.from({ length: 20 }, (_, i) => ask(bytes(`until-released ${i}`)).then(note))
    await ask(bytes('echo')).then(note)
    await ask(bytes('release'))
    await Promise.all(held)
    assert.deepEqual(order, ['echo', ...Array.from({ length: 20 }, (_, i) => String(i))])
    await peer[Symbol.asyncDispose]()
    assert.deepEqual(await peer.exited, { code: 0, signal: null })
  })

  test('an aborted request and one whose time is over reject, and abort the signals of their handlers', async () => {
    const peer = await child()
    const ask = requester(peer.channel)
    const controller = new AbortController()
    const given = ask(bytes('until-aborted'), { signal: controller.signal })
    const late = assert.rejects(ask(bytes('until-aborted'), { timeout: 20 }), { code: 'ERR_IPC_TIMEOUT' })
    await ask(bytes('echo'))
    controller.abort(new Error('enough'))
    await assert.rejects(given, /enough/)
    await late
    assert.equal(text(await ask(bytes('aborted'))), '2')
    await assert.rejects(ask(bytes('echo'), { signal: AbortSignal.abort(new Error('before')) }), /before/)
    await peer[Symbol.asyncDispose]()
  })

  test('a handler that throws rejects its request with what it threw, and no other', async () => {
    const peer = await child()
    const ask = requester(peer.channel)
    await assert.rejects(ask(bytes('throw')), (error) => {
      assert(isIpcError(error))
      assert.equal(error.code, 'ERR_IPC_REMOTE')
      assert.match(error.message, /no such job/)
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT')
      return true
    })
    assert.equal(text(await ask(bytes('echo'))), 'echo')
    await peer[Symbol.asyncDispose]()
  })

  test.each([
    'socket/unix',
    'shared-memory/ring',
    'message-queue/posix',
  ] as const)('%s: a peer that is killed before it answers rejects all in flight with ERR_IPC_PEER_GONE', async (adapter) => {
    const peer = await child(adapter)
    const ask = requester(peer.channel)
    const asked = ['until-released 1', 'until-aborted', 'die'].map((word) => ask(bytes(word)))
    for (const result of await Promise.allSettled(asked)) {
      assert(result.status === 'rejected')
      assert(code('ERR_IPC_PEER_GONE')(result.reason), String(result.reason))
    }
    await assert.rejects(ask(bytes('echo')), { code: 'ERR_IPC_PEER_GONE' })
    await peer[Symbol.asyncDispose]()
  })

  test('both sides ask and answer on one channel at one time', async () => {
    const peer = await child()
    const ask = requester(peer.channel)
    const responding = respond(peer.channel, (request) => bytes(`${text(request)}, by the parent`))
    assert.equal(text(await ask(bytes('ask-back'))), 'from the child, by the parent')
    await peer.channel.close()
    await responding
    await peer[Symbol.asyncDispose]()
  })

  test('an answer longer than maxMessageBytes rejects its request alone, also where the limits of the sides differ', async () => {
    const peer = await spawnPeer(new URL('./fixtures/responder.js', import.meta.url), { maxMessageBytes: 1000 })
    const ask = requester(peer.channel)
    assert.equal((await ask(bytes('long 992'))).length, 992)
    await assert.rejects(ask(bytes('long 993')), (error) => code('ERR_IPC_PAYLOAD_SIZE')(error) && /at most 992/.test(String(error)))
    await assert.rejects(ask(new Uint8Array(989)), { code: 'ERR_IPC_PAYLOAD_SIZE' })
    assert.equal(text(await ask(bytes('echo'))), 'echo')
    await peer[Symbol.asyncDispose]()
  })
})

describe('requests', () => {
  test('the shorter limit of the requester counts, which it tells', async () => {
    const { a, b } = channelPair({ over: 'message', capacity: 4096 })
    const responding = respond(b, (request) => request)
    await a.send(encodeRequest(7, 3, bytes('four')))
    const frame = decodeFrame((await a.receive()) as Bytes)
    assert(typeof frame === 'object' && frame.kind === 'failure' && frame.why === Why.TOO_LONG)
    await a.close()
    await responding
  })

  test('a second responder on a channel is refused, the first goes on', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const first = respond(b, (request) => request)
    await assert.rejects(
      respond(b, (request) => request),
      { code: 'ERR_IPC_BUSY' },
    )
    assert.equal(text(await requester(a)(bytes('hi'))), 'hi')
    await a.close()
    await first
  })

  test('two requesters on one channel share it', async () => {
    const { a, b } = channelPair({ over: 'message' })
    void respond(b, (request) => request)
    const answers = await Promise.all([requester(a)(bytes('1')), requester(a)(bytes('2'))])
    assert.deepEqual(answers.map(text), ['1', '2'])
  })

  test('a peer that asks but does not respond says so', async () => {
    const { a, b } = channelPair({ over: 'message' })
    requester(b)
    await assert.rejects(requester(a)(bytes('anybody?')), { code: 'ERR_IPC_NOT_FOUND' })
  })

  test('an answer that is no Uint8Array, and whatever is thrown, rejects the request', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const ask = requester(a)
    const answers: unknown[] = ['text', null]
    void respond(b, () => {
      const answer = answers.shift()
      if (answer === undefined) throw undefined
      return answer as Uint8Array
    })
    for (const expected of [/not string/, /not null/, /undefined/])
      await assert.rejects(ask(bytes('')), (error) => code('ERR_IPC_REMOTE')(error) && expected.test(String(error)))
  })

  test('what is unanswered is bounded, and the rest waits for its turn', async () => {
    const { a, b } = channelPair({ over: 'message', capacity: 2 ** 20 })
    const ask = requester(a)
    let most = 0
    let running = 0
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    void respond(b, async (request) => {
      most = Math.max(most, ++running)
      if (running === 1024) setImmediate(release)
      await released
      running--
      return request
    })
    const waiting = new AbortController()
    const answers = Array.from({ length: 3000 }, (_, i) => ask(bytes(String(i))))
    const given = ask(bytes('never sent'), { signal: waiting.signal })
    waiting.abort(new Error('gave up in the queue'))
    await assert.rejects(given, /gave up in the queue/)
    const got = await Promise.all(answers)
    assert.deepEqual(
      got.map(text),
      Array.from({ length: 3000 }, (_, i) => String(i)),
    )
    assert.equal(most, 1024)
  })

  test('answers that the channel queue has no room for wait for it', async () => {
    const { a, b } = channelPair({ over: 'message', capacity: 2000, maxQueuedBytes: 1500 })
    const ask = requester(a)
    void respond(b, () => new Uint8Array(900))
    const got = await Promise.all(Array.from({ length: 50 }, () => ask(new Uint8Array(800))))
    assert(got.every((answer) => answer.length === 900))
  })

  test('the answer is memory of its own, and the request may be reused at once', async () => {
    const { a, b } = channelPair({ over: 'message' })
    void respond(b, (request) => request)
    const request = bytes('one')
    const answer = requester(a)(request)
    request.fill(0)
    const got = await answer
    assert.equal(text(got), 'one')
    assert.equal(got.byteLength, got.buffer.byteLength)
  })

  test('respond answers what was asked before the peer ended, then settles', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const ask = requester(a)
    let release = () => {}
    const asked = new Promise<void>((resolve) => {
      void respond(b, async (request) => {
        resolve()
        await new Promise<void>((free) => {
          release = free
        })
        return request
      })
    })
    const answer = ask(bytes('last'))
    await asked
    await a.end()
    release()
    assert.equal(text(await answer), 'last')
    assert.equal(await b.closed, undefined)
  })

  test('closing the channel settles respond and aborts its handlers, however long they take', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const asked = requester(a)(bytes('x'))
    const gone = assert.rejects(asked, { code: 'ERR_IPC_PEER_GONE' })
    let handling = (_: AbortSignal) => {}
    const begun = new Promise<AbortSignal>((resolve) => {
      handling = resolve
    })
    const responding = respond(b, (_, signal) => {
      handling(signal)
      return new Promise(() => {})
    })
    const signal = await begun
    await b.close()
    await responding
    assert(signal.aborted)
    await gone
  })

  test('streams, and channels that lose messages or are too narrow, are refused', () => {
    // @ts-expect-error a stream is not a message channel
    assert.throws(() => requester(channelPair({ framing: 'stream' }).a), TypeError)
    assert.throws(() => requester(channelPair({ over: 'message', payload: { min: 0, max: 63 } }).a), TypeError)
    assert.throws(() => requester(channelPair({ over: 'message', payload: { min: 9, max: 100 } }).a), TypeError)
  })

  test('12: frames that are none reject all in flight and the responder with ERR_IPC_PROTOCOL', async () => {
    for (const frame of [[], [9, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 99, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0], [4, 0, 0, 0, 1, 0, 0, 0, 0]]) {
      const { a, b } = channelPair({ over: 'message' })
      const asked = requester(b)(bytes('x'))
      const responding = respond(b, (request) => request)
      await a.send(Uint8Array.from(frame))
      await assert.rejects(asked, { code: 'ERR_IPC_PROTOCOL' })
      await assert.rejects(responding, { code: 'ERR_IPC_PROTOCOL' })
    }
  })

  test('12: a peer that asks more than it may, or one number twice, is refused', async () => {
    for (const id of [(i: number) => i, () => 0]) {
      const { a, b } = channelPair({ over: 'message', capacity: 2 ** 20 })
      const responding = respond(b, () => new Promise(() => {}))
      for (let i = 0; i <= 2048; i++) a.send(encodeRequest(id(i), 100, bytes('x'))).catch(() => {})
      await assert.rejects(responding, { code: 'ERR_IPC_PROTOCOL' })
    }
  })

  test('12: any bytes from the peer yield answers or an error', async () => {
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc
        .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 12 }))
        .map(([kind, id, rest]) => Uint8Array.of(kind, 0, 0, 0, id, 0, 0, 0, ...rest)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
        const { a, b } = channelPair({ over: 'message' })
        const asked = requester(b)(bytes('x'))
        const responding = respond(b, (request) => request)
        for (const data of frames) await a.send(data)
        await a.end()
        const known = (error: unknown) =>
          assert(isIpcError(error) && /PROTOCOL|PEER_GONE|REMOTE|NOT_FOUND|PAYLOAD_SIZE/.test(error.code), String(error))
        await asked.catch(known)
        await responding.catch(known)
      }),
    )
  })

  test('frames are read as they were written', () => {
    const word = fc.nat(2 ** 32 - 1)
    const data = fc.uint8Array({ maxLength: 100 })
    fc.assert(
      fc.property(word, word, data, fc.string(), fc.string(), (id, longestAnswer, body, name, message) => {
        const given = new Uint8Array(body)
        const code = name.replaceAll('\n', '')
        assert.deepEqual(decodeFrame(encodeRequest(id, longestAnswer, given)), { kind: 'request', id, longestAnswer, body: given })
        assert.deepEqual(decodeFrame(encodeAnswer(id, given)), { kind: 'answer', id, body: given })
        assert.deepEqual(decodeFrame(encodeCancel(id)), { kind: 'cancel', id })
        const failure = decodeFrame(encodeFailure(id, Why.THREW, code, message, 1000))
        assert.deepEqual(failure, { kind: 'failure', id, why: Why.THREW, code: text(bytes(code)), message: text(bytes(message)) })
        assert(encodeFailure(id, Why.THREW, code, message, 20).length <= 20)
      }),
    )
  })
})
