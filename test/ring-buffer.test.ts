import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bellOf,
  headOf,
  maxPayload,
  RingReader,
  RingWriter,
  SMALLEST_RING,
  segmentBytes,
  segmentOver,
} from '../src/adapters/shared-memory/ring-buffer.js'
import { Result } from '../src/core/channel.js'

const READABLE = 1
const WRITABLE = 2
const RING = SMALLEST_RING
const MAX = maxPayload(RING)

function pair() {
  const buffer = new ArrayBuffer(segmentBytes(RING) + 4)
  const segment = segmentOver(buffer, RING, segmentBytes(RING))
  const wakes = { reader: 0, writer: 0 }
  return {
    segment,
    wakes,
    writer: new RingWriter(segment, 0, () => wakes.reader++),
    reader: new RingReader(segment, 1, () => wakes.writer++),
  }
}

const payload = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255)

describe('the ring against a model that is an array', () => {
  interface Model {
    unread: Uint8Array[]
    corked: boolean
  }
  type Real = ReturnType<typeof pair>
  const into = new Uint8Array(MAX)

  class Send implements fc.Command<Model, Real> {
    readonly length: number
    readonly seed: number
    readonly how: 'send' | 'claim' | 'abort'
    constructor(length: number, seed: number, how: 'send' | 'claim' | 'abort') {
      this.length = length
      this.seed = seed
      this.how = how
    }
    check = () => true
    run(model: Model, { writer, segment }: Real) {
      const data = payload(this.length, this.seed)
      if (this.how === 'send') {
        const n = writer.trySend(data)
        if (this.length > MAX) return expect(n).toBe(Result.PAYLOAD_SIZE)
        if (n === Result.WOULD_BLOCK) return expect(model.unread.length).toBeGreaterThan(0)
        expect(n).toBe(this.length)
        model.unread.push(data)
        return
      }
      const offset = writer.tryClaim(this.length)
      if (offset < 0) return expect([Result.WOULD_BLOCK, Result.PAYLOAD_SIZE]).toContain(offset)
      expect(offset % 8).toBe(0)
      segment.bytes.set(data, offset)
      if (this.how === 'abort') return writer.abort()
      const kept = data.length >> 1
      writer.commit(kept)
      model.unread.push(data.subarray(0, kept))
    }
    toString = () => `${this.how}(${this.length})`
  }
  class Receive implements fc.Command<Model, Real> {
    readonly borrow: boolean
    constructor(borrow: boolean) {
      this.borrow = borrow
    }
    check = () => true
    run(model: Model, { reader, segment }: Real) {
      const expected = model.unread[0]
      let got: Uint8Array | number
      if (this.borrow) {
        const offset = reader.tryBorrow()
        got = offset < 0 ? offset : segment.bytes.slice(offset, offset + reader.borrowedLength)
        if (offset >= 0) {
          expect(reader.tryBorrow()).toBe(Result.BUSY)
          expect(reader.tryReceiveInto(into)).toBe(Result.BUSY)
        }
        reader.release()
      } else {
        if (expected !== undefined && !model.corked && expected.length > 0)
          expect(reader.tryReceiveInto(new Uint8Array(expected.length - 1))).toBe(Result.TARGET_SIZE)
        const n = reader.tryReceiveInto(into)
        got = n < 0 ? n : into.slice(0, n)
      }
      if (typeof got === 'number') {
        expect(got).toBe(Result.WOULD_BLOCK)
        if (!model.corked) expect(expected).toBeUndefined()
        return
      }
      expect(got).toEqual(expected)
      model.unread.shift()
    }
    toString = () => (this.borrow ? 'borrow' : 'receive')
  }
  class Cork implements fc.Command<Model, Real> {
    readonly on: boolean
    constructor(on: boolean) {
      this.on = on
    }
    check = () => true
    run(model: Model, { writer }: Real) {
      model.corked = this.on
      writer.cork(this.on)
      if (!this.on) expect(writer.pendingBytes).toBe(0)
    }
    toString = () => `cork(${this.on})`
  }
  const length = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: MAX + 2 }) },
  )

  test('promises 2, 3, 6, 9: whole, in order, byte-identical, through claims and corks', () => {
    const commands = [
      fc
        .tuple(length, fc.nat(255), fc.constantFrom('send' as const, 'send' as const, 'claim' as const, 'abort' as const))
        .map(([l, s, h]) => new Send(l, s, h)),
      fc.boolean().map((borrow) => new Receive(borrow)),
      fc.boolean().map((on) => new Cork(on)),
    ]
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 200 }), (run) => {
        const real = pair()
        fc.modelRun(() => ({ model: { unread: [], corked: false }, real }), run)
      }),
      { numRuns: 200 },
    )
  })
})

describe('waiting', () => {
  test('who does not sleep is not woken; who sleeps is, once', () => {
    const { writer, reader, segment, wakes } = pair()
    writer.trySend(new Uint8Array(8))
    expect(wakes.reader).toBe(0)
    Atomics.or(segment.words, bellOf(1), READABLE)
    writer.trySend(new Uint8Array(8))
    writer.trySend(new Uint8Array(8))
    expect(wakes.reader).toBe(1)
    while (writer.trySend(new Uint8Array(200)) >= 0);
    Atomics.or(segment.words, bellOf(0), WRITABLE)
    reader.tryReceiveInto(new Uint8Array(200))
    expect(wakes.writer).toBe(1)
  })

  test('promise 5: the end comes after everything, and stays', () => {
    const { writer, reader } = pair()
    writer.trySend(new Uint8Array([1]))
    writer.end(false)
    writer.end(true)
    const into = new Uint8Array(1)
    expect(reader.tryReceiveInto(into)).toBe(1)
    expect(reader.tryReceiveInto(into)).toBe(Result.END)
    expect(reader.tryReceiveInto(into)).toBe(Result.END)
  })

  test('a sender that leaves without a word is gone, a receiver that leaves refuses', () => {
    const { writer, reader } = pair()
    reader.close()
    expect(writer.readiness()).toBe(Result.PEER_GONE)
    writer.end(true)
    expect(reader.tryReceiveInto(new Uint8Array(1))).toBe(Result.PEER_GONE)
  })

  test.each([
    ['fills the ring to its very end', 1024],
    ['leaves a rest at the end of the ring that is skipped', 1000],
  ])('promise 3: nothing old is read again where a message %s', (_what, record) => {
    const { writer, reader } = pair()
    const data = payload(record - 8, 1)
    const into = new Uint8Array(MAX)
    for (let i = 0; i < 64; i++) {
      data[0] = i
      expect(writer.trySend(data)).toBe(data.length)
      expect(reader.tryReceiveInto(into)).toBe(data.length)
      expect(into[0]).toBe(i)
      for (let again = 0; again < 2; again++) expect(reader.tryReceiveInto(into)).toBe(Result.WOULD_BLOCK)
    }
  })

  test('promise 2: the same few buffers by turns, of any length and alignment, keep every bit', () => {
    const { writer, reader } = pair()
    const memory = new Uint8Array(new ArrayBuffer(2048))
    const target = new Uint8Array(new ArrayBuffer(2048))
    for (const length of [0, 1, 7, 8, 9, 63, 64, 65, 72, 127, 128, 255, 256, 257, 300])
      for (const start of [0, 1, 4, 8]) {
        const buffers = Array.from({ length: 5 }, (_, i) => memory.subarray(start + 8 * i, start + 8 * i + length))
        const into = target.subarray(start, start + length)
        for (let i = 0; i < 20; i++) {
          const data = buffers[i % (1 + (length % 5))] as Uint8Array
          // Among them doubles that are signalling NaNs.
          for (let at = 0; at < length; at++) data[at] = i % 2 === 0 ? ([1, 0, 0, 0, 0, 0, 0xf4, 0x7f][at % 8] as number) : at * 31 + i
          expect(writer.trySend(data)).toBe(length)
          into.fill(0xee)
          expect(reader.tryReceiveInto(into)).toBe(length)
          expect(into).toEqual(data)
        }
      }
  })

  test('a buffer that was detached or resized since is not taken for what it was', () => {
    const { writer, reader } = pair()
    // ECMAScript 2024, which Node 20 has.
    const buffer = new (
      ArrayBuffer as unknown as new (
        bytes: number,
        options: { maxByteLength: number },
      ) => ArrayBuffer & { resize(bytes: number): void }
    )(64, { maxByteLength: 128 })
    const data = new Uint8Array(buffer)
    const into = new Uint8Array(128)
    const exchange = (seed: number) => {
      for (let i = 0; i < data.length; i++) data[i] = seed + i
      expect(writer.trySend(data)).toBe(data.length)
      expect(reader.tryReceiveInto(into)).toBe(data.length)
      expect(into.subarray(0, data.length)).toEqual(data)
    }
    for (let i = 0; i < 3; i++) exchange(i)
    buffer.resize(128)
    for (let i = 3; i < 6; i++) exchange(i)
    buffer.resize(16)
    for (let i = 6; i < 9; i++) exchange(i)
    structuredClone(buffer, { transfer: [buffer] })
    expect(writer.trySend(data)).toBe(0)
  })

  test('the indices wrap at 2^32 without notice', () => {
    const { writer, reader, segment } = pair()
    // A ring this small passes 2^31 after some 525,000 of the largest messages: both signs of the index occur.
    const data = new Uint8Array(MAX)
    const into = new Uint8Array(MAX)
    for (let i = 0; i < 1_100_000; i++) {
      if (writer.trySend(data) !== MAX || reader.tryReceiveInto(into) !== MAX)
        throw new Error(`message ${i}, head ${segment.words[headOf(0)]}`)
    }
  })
})

function publishes(words: Int32Array, length: number, head: number): void {
  words[1024] = length
  Atomics.store(words, headOf(0), head)
}

describe('promise 12: what a hostile peer writes', () => {
  test('any words anywhere yield results, never an exception or an endless loop', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer(), fc.integer({ min: -16, max: 4200 }))), { maxLength: 60 }),
        (writes) => {
          const { writer, reader, segment } = pair()
          const into = new Uint8Array(MAX)
          const before = segment.bytes.length
          for (const [at, value] of writes) {
            // Half of the writes hit the control words, where they hurt most.
            const index = at % 2 === 0 ? 512 + (at % 512) : at % (segmentBytes(RING) / 4)
            segment.words[index] = value
            expect(writer.trySend(into.subarray(0, at % 300))).toBeGreaterThanOrEqual(Result.FAILED)
            for (let i = 0; i < 4; i++) {
              const n = reader.tryReceiveInto(into)
              expect(n).toBeLessThanOrEqual(MAX)
            }
            const offset = reader.tryBorrow()
            if (offset >= 0) {
              expect(offset + reader.borrowedLength).toBeLessThanOrEqual(before)
              reader.release()
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([
    ['a head beyond the ring', (words: Int32Array) => Atomics.store(words, headOf(0), RING + 8)],
    ['a head that went back', (words: Int32Array) => Atomics.store(words, headOf(0), -8)],
    ['a negative length', (words: Int32Array) => publishes(words, -2, 16)],
    ['a length beyond what is published', (words: Int32Array) => publishes(words, 100, 16)],
    ['a skip at the start', (words: Int32Array) => publishes(words, -1, RING)],
    ['memory taken away', (words: Int32Array) => Atomics.store(words, words.length - 1, 1)],
  ])('%s is FAILED with a reason', (_what, spoil) => {
    const { reader, segment } = pair()
    spoil(segment.words)
    expect(reader.tryReceiveInto(new Uint8Array(64))).toBe(Result.FAILED)
    expect(reader.violation).toMatch(/^the peer /)
  })
})
