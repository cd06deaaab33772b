/** Frames that the addon cuts from a pipe or a socket, and its calls that may wait. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { SOCK_STREAM, native as sockets } from '../src/adapters/socket/native.js'
import type { Endpoint } from '../src/core/adapter.js'
import { Result } from '../src/core/channel.js'
import { StreamEndpoint } from '../src/core/descriptor-endpoint.js'
import { framed } from '../src/core/framing.js'
import { native } from '../src/native/index.js'

const context = { adapter: 'pipe/anonymous' } as const
const LONGEST = 1 << 20
const O_NONBLOCK = 0o4000
const LARGE = 16 * 1024

type Kind = 'pipe' | 'socket'
interface Wire extends AsyncDisposable {
  readonly reader: Endpoint
  readonly writer: Endpoint
  /** Raw bytes for the reader: how many were taken. */
  put(bytes: Uint8Array): number
  /** The writing side closes. */
  hangUp(): void
}

/** A framed endpoint, another one behind it, and the raw descriptor that it writes to. */
function wire(kind: Kind): Wire {
  const ends = new Int32Array(2)
  assert.equal(kind === 'pipe' ? native.fdPipe(O_NONBLOCK, ends) : sockets.socketPair(SOCK_STREAM, ends), 0)
  const [readFd, writeFd] = ends as unknown as [number, number]
  const reader = framed(new StreamEndpoint(readFd, -1, context), LONGEST, context)
  const writer = framed(new StreamEndpoint(-1, writeFd, context), LONGEST, context)
  let open = true
  const hangUp = () => {
    if (open) writer.close()
    open = false
  }
  return {
    reader,
    writer,
    hangUp,
    put: (bytes) => native.fdWrite(writeFd, bytes),
    async [Symbol.asyncDispose]() {
      hangUp()
      reader.close()
    },
  }
}

const frame = (message: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(4 + message.length)
  new DataView(bytes.buffer).setUint32(0, message.length, true)
  bytes.set(message, 4)
  return bytes
}

const filled = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed) & 255)

/**
 * All that is there now; the target has room for `room` bytes, and grows where that is too little. Every other message
 * is asked for as one that is here already.
 */
function drain(endpoint: Endpoint, got: Uint8Array[], room: number): number {
  for (;;) {
    const here = got.length % 2 === 0 ? undefined : endpoint.takeBuffered?.()
    if (here !== undefined) {
      got.push(here)
      continue
    }
    let target = new Uint8Array(room)
    let n = endpoint.tryReceiveInto(target)
    if (n === Result.TARGET_SIZE) {
      target = new Uint8Array(endpoint.nextLength ?? 0)
      n = endpoint.tryReceiveInto(target)
    }
    if (n < 0) return n
    got.push(target.slice(0, n))
  }
}

function same(got: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  assert.equal(got.length, sent.length)
  for (const [i, message] of sent.entries())
    assert(Buffer.compare(got[i] as Uint8Array, message) === 0, `message ${i} of ${message.length}`)
}

describe.each(['pipe', 'socket'] as const)('frames over a %s', (kind) => {
  test('12: any messages in any pieces, into targets of any size, arrive as they are', async () => {
    const length = fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: LARGE - 2, max: LARGE + 2 }),
      fc.integer({ min: 0, max: 200_000 }),
    )
    const cut = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 60_000 }))
    const rooms = fc.constantFrom(0, 64, LARGE, 65_536, 200_000)
    await fc.assert(
      fc.asyncProperty(fc.array(length, { maxLength: 8 }), fc.array(cut, { maxLength: 40 }), rooms, async (lengths, cuts, room) => {
        await using over = wire(kind)
        const sent = lengths.map((bytes, i) => filled(bytes, i))
        let rest = Buffer.concat(sent.map(frame))
        const got: Uint8Array[] = []
        for (let i = 0; rest.length > 0; i++) {
          const n = over.put(rest.subarray(0, cuts[i] ?? rest.length))
          if (n > 0) rest = rest.subarray(n)
          assert.equal(drain(over.reader, got, room), Result.WOULD_BLOCK)
        }
        over.hangUp()
        assert.equal(drain(over.reader, got, room), Result.END)
        same(got, sent)
      }),
      { numRuns: 60 },
    )
  })

  test('5: large messages of one size are read one at a time; a smaller one after them is kept apart', async () => {
    await using over = wire(kind)
    const sent = [LARGE, LARGE, LARGE, 3, LARGE, 0, LARGE + 1].map(filled)
    for (const message of sent.slice(0, 3)) assert.equal(over.writer.trySend(message, 0), message.length)
    const got: Uint8Array[] = []
    drain(over.reader, got, LARGE)
    for (const message of sent.slice(3)) assert.equal(over.writer.trySend(message, 0), message.length)
    drain(over.reader, got, LARGE)
    same(got, sent)
  })

  test('6: a message that does not fit stays, and its length is told', async () => {
    await using over = wire(kind)
    over.writer.trySend(filled(100), 0)
    assert.equal(over.reader.tryReceiveInto(new Uint8Array(99)), Result.TARGET_SIZE)
    assert.equal(over.reader.nextLength, 100)
    assert.equal(over.reader.buffered, true)
    const target = new Uint8Array(100)
    assert.equal(over.reader.tryReceiveInto(target), 100)
    same([target], [filled(100)])
  })

  test('12: an announced length over the limit, and an end inside a header and inside a message', async () => {
    await using long = wire(kind)
    long.put(Uint8Array.of(1, 0, 16, 0))
    assert.equal(long.reader.tryReceiveInto(new Uint8Array(8)), Result.FAILED)
    assert.equal(long.reader.error?.code, 'ERR_IPC_PROTOCOL')
    for (const bytes of [Uint8Array.of(9, 0), frame(filled(9)).subarray(0, 8), frame(filled(LARGE)).subarray(0, LARGE)]) {
      await using cut = wire(kind)
      cut.put(bytes)
      cut.hangUp()
      assert.equal(cut.reader.tryReceiveInto(new Uint8Array(LARGE)), Result.FAILED)
      assert.equal(cut.reader.error?.code, 'ERR_IPC_PEER_GONE')
      assert.equal(cut.reader.tryReceiveInto(new Uint8Array(LARGE)), Result.FAILED)
    }
  })

  test('7: a call that may wait does so in time, and what never waits does not after it', async () => {
    await using over = wire(kind)
    const { reader, writer } = over
    const target = new Uint8Array(64)
    const began = performance.now()
    assert.equal(reader.receiveSync?.(target, 30), Result.WOULD_BLOCK)
    assert(performance.now() - began >= 29)
    assert.equal(writer.sendSync?.(filled(64), -1), 64)
    assert.equal(reader.receiveSync?.(target, -1), 64)
    assert.equal(reader.tryReceiveInto(target), Result.WOULD_BLOCK)
    let taken = 0
    while (writer.trySend(filled(64), 0) === 64) taken++
    assert.equal(writer.sendSync?.(filled(64), 5), Result.WOULD_BLOCK)
    for (; taken > 0; taken--) assert.equal(reader.receiveSync?.(target, -1), 64)
    assert.equal(reader.receiveSync?.(target, 0), Result.WOULD_BLOCK)
    over.hangUp()
    assert.equal(reader.receiveSync?.(target, -1), Result.END)
  })
})

test('5: a burst is read at once, and cut without another call until all of it was received', async () => {
  await using over = wire('socket')
  const { reader } = over
  const sent = Array.from({ length: 100 }, (_, i) => filled(i, i))
  assert.equal(reader.takeBuffered?.(), undefined)
  over.put(Buffer.concat([...sent.map(frame), frame(filled(9)).subarray(0, 10)]))
  const got: Uint8Array[] = []
  const target = new Uint8Array(100)
  assert.equal(reader.tryReceiveInto(target), 0)
  got.push(target.slice(0, 0))
  assert.equal(reader.buffered, true)
  for (let here = reader.takeBuffered?.(); here !== undefined; here = reader.takeBuffered?.()) {
    got.push(here)
    assert.equal(here.buffer.byteLength, here.length, 'memory of its own')
    assert.equal(reader.buffered, got.length < sent.length)
    assert.equal(reader.drained, got.length === sent.length)
  }
  same(got, sent)
  over.put(frame(filled(9)).subarray(10))
  assert.equal(reader.tryReceiveInto(target), 9)
  same([target.slice(0, 9)], [filled(9)])
})

test('a pipe grows for a message that it is too small for', async () => {
  await using over = wire('pipe')
  const message = filled(200_000)
  assert.equal(over.writer.trySend(message, 0), message.length)
  assert.equal(over.writer.outbox?.pendingBytes, 0)
  const got: Uint8Array[] = []
  drain(over.reader, got, 0)
  same(got, [message])
})
