import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Bytes, type Codec, isIpcError, json, typed } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'

interface Job {
  id: number
}
const isJob = (value: unknown): Job => {
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'number') throw new Error('no job')
  return { id: value.id }
}
const jobs = json<Job, { ok: boolean }>(isJob)
const answers = json<{ ok: boolean }, Job>((value) => value as { ok: boolean })
const refused = (error: unknown, cause: RegExp) => isIpcError(error) && error.code === 'ERR_IPC_PROTOCOL' && cause.test(String(error.cause))

describe('typed', () => {
  test('values there and back, then the end', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const daemon = typed(a, jobs)
    const client = typed(b, answers)
    await client.send({ id: 3 })
    await client.send({ id: 0 })
    await b.end()
    for await (const job of daemon) await daemon.send({ ok: job.id > 0 })
    await a.end()
    const got: boolean[] = []
    for await (const { ok } of client) got.push(ok)
    assert.deepEqual(got, [true, false])
  })

  test('a message that is no value, or is not the right one, rejects with ERR_IPC_PROTOCOL; those behind it are there', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const daemon = typed(a, jobs)
    for (const text of ['{', '{"id":"1"}', '{"id":1}']) await b.send(new TextEncoder().encode(text))
    await b.send(Uint8Array.of(0x22, 0xff, 0x22))
    await typed(b, answers).send({ id: 2 })
    const next = async () => (await daemon.messages().next()).value
    await assert.rejects(next(), (error) => refused(error, /SyntaxError/))
    await assert.rejects(next(), (error) => refused(error, /no job/))
    assert.deepEqual(await next(), { id: 1 })
    await assert.rejects(next(), (error) => refused(error, /TypeError/))
    assert.equal(a.state, 'open')
    assert.deepEqual(await next(), { id: 2 })
  })

  test('a value that cannot be encoded rejects its send with what the codec threw, and sends nothing', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const { send } = typed(
      a,
      json((value) => value),
    )
    const endless: { self?: object } = {}
    endless.self = endless
    for (const value of [undefined, () => {}, 1n, endless]) await assert.rejects(send(value), TypeError)
    const codec: Codec<never, string> = {
      encode: (value) => {
        throw new RangeError(value)
      },
      decode: () => {
        throw new Error('never')
      },
    }
    await assert.rejects(typed(a, codec).send('why'), new RangeError('why'))
    await send(null)
    assert.equal(new TextDecoder().decode((await b.receive()) as Bytes), 'null')
  })

  test('7: leaving a loop closes nothing and loses nothing; waits take a signal and a timeout', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const daemon = typed(a, jobs)
    const client = typed(b, answers)
    for (let id = 1; id <= 3; id++) await client.send({ id })
    const got: number[] = []
    for await (const { id } of daemon) {
      got.push(id)
      break
    }
    for await (const { id } of daemon.messages()) {
      got.push(id)
      if (id === 3) break
    }
    assert.deepEqual(got, [1, 2, 3])
    await assert.rejects(daemon.messages({ timeout: 5 }).next(), { code: 'ERR_IPC_TIMEOUT' })
    await assert.rejects(daemon.messages({ signal: AbortSignal.abort(new Error('enough')) }).next(), /enough/)
  })

  test('a stream is refused, by the compiler and at run time', () => {
    const { a: stream } = channelPair({ framing: 'stream' })
    assert.throws(
      () =>
        typed(
          // @ts-expect-error a stream is not a message channel
          stream,
          jobs,
        ),
      TypeError,
    )
  })

  test('12: any bytes yield values that the check let pass, or ERR_IPC_PROTOCOL', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 20 }),
            fc.json().map((text) => new TextEncoder().encode(text)),
          ),
          { maxLength: 10 },
        ),
        async (messages) => {
          const { a, b } = channelPair({ over: 'message' })
          const daemon = typed(a, jobs)
          for (const message of messages) await b.send(message)
          await b.end()
          let came = 0
          for (;;)
            try {
              const { value, done } = await daemon.messages().next()
              if (done === true) break
              assert.equal(typeof value.id, 'number')
              came++
            } catch (error) {
              assert(isIpcError(error) && error.code === 'ERR_IPC_PROTOCOL', String(error))
              came++
            }
          assert.equal(came, messages.length)
        },
      ),
    )
  })

  test('JSON values are received as they were sent', async () => {
    const any = json((value) => value)
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepEqual(any.decode(any.encode(value)), JSON.parse(JSON.stringify(value)))))
  })
})
