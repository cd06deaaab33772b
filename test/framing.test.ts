import assert from 'node:assert/strict'
import fc from 'fast-check'
import { channelPair } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { Result } from '../src/core/channel.js'
import { framed } from '../src/core/framing.js'
import { MemoryEndpoint } from '../src/testing/memory-endpoint.js'

const context = { adapter: 'in-process/pair' } as const
const messages = [[], [1], [2, 3], new Array(300).fill(7), [9]].map((bytes) => Uint8Array.from(bytes))

function wire(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => [part.length & 255, (part.length >>> 8) & 255, (part.length >>> 16) & 255, part.length >>> 24, ...part]),
  )
}

/** What a framed endpoint reads when a stream arrives in these pieces. */
function readInPieces(pieces: readonly Uint8Array[]): { got: number[][]; last: number } {
  const [writer, reader] = MemoryEndpoint.pair({ capacity: 1 << 20 })
  const endpoint = framed(reader, 1 << 20, context)
  const got: number[][] = []
  const target = new Uint8Array(1 << 20)
  let last: number = Result.WOULD_BLOCK
  const drain = () => {
    for (;;) {
      last = endpoint.tryReceiveInto(target)
      if (last < 0) return
      got.push([...target.subarray(0, last)])
    }
  }
  for (const piece of pieces) {
    writer.trySend(piece)
    drain()
  }
  writer.end()
  drain()
  return { got, last }
}

describe('framing', () => {
  test('12: a stream cut at every possible byte yields the same messages', () => {
    const bytes = wire(messages)
    const expected = messages.map((message) => [...message])
    for (let at = 0; at <= bytes.length; at++) {
      const { got, last } = readInPieces([bytes.subarray(0, at), bytes.subarray(at)].filter((piece) => piece.length > 0))
      assert.deepEqual(got, expected, `cut at ${at}`)
      assert.equal(last, Result.END)
    }
  })

  test('12: any messages in any pieces arrive as they are', () => {
    const message = fc.uint8Array({ maxLength: 3000 })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 60 }), (sent, cuts) => {
        let rest = wire(sent)
        const pieces: Uint8Array[] = []
        for (const cut of cuts) {
          pieces.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        pieces.push(rest)
        const { got, last } = readInPieces(pieces.filter((piece) => piece.length > 0))
        assert.deepEqual(
          got,
          sent.map((bytes) => [...bytes]),
        )
        assert.equal(last, Result.END)
      }),
    )
  })

  test('12: a stream that ends inside a message is an error at every byte, after the whole messages before', () => {
    const bytes = wire([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7)])
    for (let at = 1; at < bytes.length; at++) {
      const { got, last } = readInPieces([bytes.subarray(0, at)])
      assert.equal(got.length, at >= 7 ? 1 : 0)
      assert.equal(last, at === 7 ? Result.END : Result.FAILED, `ended at ${at}`)
    }
  })

  test('12: random bytes never throw, and never yield more than maxMessageBytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const { got } = readInPieces(bytes.length === 0 ? [] : [bytes])
        for (const message of got) assert(message.length <= bytes.length)
      }),
    )
  })

  test('2: whatever part of a frame the stream takes at a time, messages arrive whole and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 500 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (sent, chunk, corked) => {
          const { a, b, faults } = channelPair({ capacity: 64 })
          faults.a.chunk = chunk
          faults.b.chunk = 1 + (chunk % 7)
          if (corked) a.cork()
          const sends = sent.map((message) => a.send(message))
          if (corked) a.uncork()
          const closed = Promise.all(sends).then(() => a.close())
          const got: number[][] = []
          for await (const message of b) got.push([...message])
          await closed
          await b.close()
          assert.deepEqual(
            got,
            sent.map((message) => [...message]),
          )
        },
      ),
      { numRuns: process.env.FULL === '1' ? 300 : 40 },
    )
  })
})
