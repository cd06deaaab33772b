/** Messages over sockets and pipes that keep them apart: what came before it was asked for, and what is sent at once. */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { MessageSocket } from '../src/adapters/socket/message-socket.js'
import { AF_INET, SOCK_DGRAM, SOCK_SEQPACKET, native as sockets } from '../src/adapters/socket/native.js'
import { AttestedSocket, attest, SeqpacketSocket, UnixMessageSocket } from '../src/adapters/socket/unix-message-socket.js'
import { Result } from '../src/core/channel.js'
import { MessageEndpoint } from '../src/core/message-endpoint.js'
import { native } from '../src/native/index.js'

const context = { adapter: 'socket/unix-dgram' } as const
const O_DIRECT_NONBLOCK = 0o44000
const filled = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed) & 255)

interface Wire extends Disposable {
  readonly reader: MessageEndpoint
  readonly writer: MessageEndpoint
}

const KINDS = {
  seqpacket: () => pair(SOCK_SEQPACKET, SeqpacketSocket),
  datagram: () => pair(SOCK_DGRAM, UnixMessageSocket),
  attested: () => pair(SOCK_DGRAM, AttestedSocket),
  packet: () => {
    const ends = new Int32Array(2)
    assert.equal(native.fdPipe(O_DIRECT_NONBLOCK, ends), 0)
    const [readFd, writeFd] = ends as unknown as [number, number]
    return [new MessageEndpoint(readFd, -1, context), new MessageEndpoint(-1, writeFd, context)] as const
  },
} as const
type Kind = keyof typeof KINDS

function pair(type: number, Socket: typeof UnixMessageSocket): readonly [MessageEndpoint, MessageEndpoint] {
  const ends = new Int32Array(2)
  assert.equal(sockets.socketPair(type, ends), 0)
  const [a, b] = ends as unknown as [number, number]
  if (Socket === AttestedSocket) attest(a, context)
  return [new Socket(a, context), new Socket(b, context)]
}

function wire(kind: Kind): Wire {
  const [reader, writer] = KINDS[kind]()
  return {
    reader,
    writer,
    [Symbol.dispose]() {
      reader.close()
      writer.close()
    },
  }
}

/** The next message, through whatever target; a `Result` where there is none. */
function take(reader: MessageEndpoint, target: Uint8Array): Uint8Array | number {
  const n = reader.tryReceiveInto(target)
  if (n >= 0) return target.slice(0, n)
  if (n !== Result.TARGET_SIZE) return n
  const whole = new Uint8Array(reader.nextLength)
  assert.equal(reader.tryReceiveInto(whole), whole.length)
  return whole
}

describe.each(Object.keys(KINDS) as Kind[])('%s', (kind) => {
  const least = kind === 'packet' ? 1 : 0
  const most = kind === 'packet' ? 4096 : 100_000

  test('3: a burst arrives in order, byte for byte, whatever the target', () => {
    using over = wire(kind)
    const sizes = [64, least, 3, 128, 129, most, 64, least, 4096, 4, 64, 64, least, most, 1]
    const targets = [new Uint8Array(64), new Uint8Array(most), new Uint8Array(0), new Uint8Array(new ArrayBuffer(71), 3, 68)]
    let sent = 0
    let received = 0
    for (let turn = 0; turn < 60; turn++) {
      for (let i = 0; i < (turn % 5) * 3; i++) {
        const data = filled(sizes[sent % sizes.length] as number, sent)
        if (over.writer.trySend(data) === Result.WOULD_BLOCK) break
        sent++
      }
      for (;;) {
        const got = take(over.reader, targets[(turn + received) % targets.length] as Uint8Array)
        if (typeof got === 'number') {
          assert.equal(got, Result.WOULD_BLOCK)
          break
        }
        assert(Buffer.compare(got, filled(sizes[received % sizes.length] as number, received)) === 0, `message ${received}`)
        received++
        if (received % 4 === 0) break // and another target for the rest
      }
    }
    while (received < sent) {
      const got = take(over.reader, new Uint8Array(64))
      assert(Buffer.compare(got as Uint8Array, filled(sizes[received % sizes.length] as number, received)) === 0, `message ${received}`)
      received++
    }
    assert.equal(take(over.reader, new Uint8Array(64)), Result.WOULD_BLOCK)
    assert(sent > 100)
  })

  test('9: what came along is told as buffered, and one call after another takes it', () => {
    using over = wire(kind)
    const target = new Uint8Array(64)
    for (let i = 0; i < 10; i++) assert.equal(over.writer.trySend(filled(60, i)), 60)
    assert.equal(over.reader.buffered, false)
    for (let i = 0; i < 10; i++) {
      // Calls of every kind, in turns, and a target that is too small in between.
      assert.equal(over.reader.tryReceiveInto(new Uint8Array(59)), Result.TARGET_SIZE)
      assert.equal(over.reader.nextLength, 60)
      assert.equal(over.reader.buffered, true)
      assert.equal(over.reader.drained, false)
      const n = i % 2 === 0 ? over.reader.receiveSync(target, -1) : over.reader.tryReceiveInto(target)
      assert.equal(n, 60)
      assert(Buffer.compare(target.subarray(0, 60), filled(60, i)) === 0)
    }
    assert.equal(over.reader.buffered, false)
    assert.equal(over.reader.tryReceiveInto(target), Result.WOULD_BLOCK)
    assert.equal(over.reader.drained, true)
  })

  test('9: corked sends leave together, in order, and what does not fit the kernel waits', () => {
    using over = wire(kind)
    const { writer, reader } = over
    writer.outbox.cork(true)
    let sent = 0
    while (sent < 900 && writer.trySend(filled(64, sent)) === 64) sent++
    assert(writer.outbox.pendingBytes > 0)
    writer.outbox.cork(false)
    const target = new Uint8Array(64)
    let received = 0
    for (let left = writer.outbox.flush(); ; left = writer.outbox.flush()) {
      for (let got = take(reader, target); typeof got !== 'number'; got = take(reader, target))
        assert(Buffer.compare(got, filled(64, received++)) === 0, `message ${received}`)
      if (left === 0) break
      assert.equal(left, Result.WOULD_BLOCK)
    }
    assert.equal(received, sent)
    assert.equal(writer.outbox.pendingBytes, 0)
  })
})

test.each(['seqpacket', 'datagram', 'attested'] as const)('7: a %s is waited for as long as was said, and no longer', (kind) => {
  using over = wire(kind)
  const target = new Uint8Array(64)
  for (const wait of [30, 1.5]) {
    const began = performance.now()
    assert.equal(over.reader.receiveSync(target, wait), Result.WOULD_BLOCK)
    assert(performance.now() - began >= wait - 1)
  }
  for (const wait of [30, -1, 0, 1]) {
    assert.equal(over.writer.trySend(filled(64, wait)), 64)
    assert.equal(over.reader.receiveSync(target, wait), 64)
    assert(Buffer.compare(target, filled(64, wait)) === 0)
    assert.equal(over.reader.tryReceiveInto(target), Result.WOULD_BLOCK)
  }
})

test('5: the end of sequenced packets comes after everything, and messages of no bytes are none', () => {
  using over = wire('seqpacket')
  const target = new Uint8Array(64)
  const lengths = [0, 64, 0, 0, 12, 0]
  for (const length of lengths) assert.equal(over.writer.trySend(filled(length)), length)
  over.writer.end()
  for (const length of lengths) assert.equal(over.reader.tryReceiveInto(target), length)
  for (let i = 0; i < 3; i++) assert.equal(over.reader.tryReceiveInto(target), Result.END)
  assert.equal(over.reader.receiveSync(target, -1), Result.END)
})

test('5: the end alone, after messages that were received each by itself', () => {
  using over = wire('seqpacket')
  const target = new Uint8Array(64)
  for (let i = 0; i < 20; i++) {
    assert.equal(over.writer.trySend(filled(64, i)), 64)
    assert.equal(over.reader.receiveSync(target, -1), 64)
    assert(Buffer.compare(target, filled(64, i)) === 0)
  }
  over.writer.end()
  assert.equal(over.reader.receiveSync(target, -1), Result.END)
})

test.each([
  'seqpacket',
  'datagram',
  'attested',
] as const)('9: a %s that is larger than the large one before, and than the target', (kind) => {
  using over = wire(kind)
  const sizes = [5000, 5000, 6000, 100_000, 6001, 0, 100_000]
  for (const [i, size] of sizes.entries()) {
    assert.equal(over.writer.trySend(filled(size, i)), size)
    const got = take(over.reader, new Uint8Array(6000))
    assert(Buffer.compare(got as Uint8Array, filled(size, i)) === 0, `message ${i}`)
  }
})

test('5: a full batch of messages of no bytes, then the end alone', () => {
  using over = wire('seqpacket')
  const target = new Uint8Array(64)
  for (let i = 0; i < 40; i++) assert.equal(over.writer.trySend(new Uint8Array(0)), 0)
  for (let i = 0; i < 40; i++) assert.equal(over.reader.receiveSync(target, -1), 0)
  over.writer.trySend(new Uint8Array(0))
  over.writer.end()
  assert.equal(over.reader.receiveSync(target, -1), 0)
  assert.equal(over.reader.receiveSync(target, -1), Result.END)
})

test('12: each of a burst of datagrams tells its own sender', () => {
  const receiving = sockets.socketOpen(AF_INET, SOCK_DGRAM, 0)
  assert.equal(sockets.socketBind(receiving, AF_INET, '127.0.0.1', 0), 0)
  const port = Number(String(sockets.socketName(receiving)).split(' ')[1])
  const senders = [0, 1, 2].map(() => {
    const fd = sockets.socketOpen(AF_INET, SOCK_DGRAM, 0)
    assert.equal(sockets.socketConnect(fd, AF_INET, '127.0.0.1', port), 0)
    return fd
  })
  const reader = new MessageSocket(receiving, receiving, context)
  const target = new Uint8Array(64)
  const size = (i: number) => (i % 5 === 4 ? 200 : 8)
  for (let i = 0; i < 30; i++) assert.equal(sockets.socketSend(senders[i % 3] as number, filled(size(i), i)), size(i))
  const names = senders.map((fd) => String(sockets.socketName(fd)).replace(' ', ':'))
  for (let i = 0; i < 30; i++) {
    const got = take(reader, target) as Uint8Array
    assert(Buffer.compare(got, filled(size(i), i)) === 0)
    assert.equal(reader.lastFrom, names[i % 3])
  }
  for (const fd of senders) native.fdClose(fd)
  reader.close()
})

test("12: strangers' datagrams are no messages, wherever in a burst they are", () => {
  const own = sockets.socketOpen(AF_INET, SOCK_DGRAM, 0)
  assert.equal(sockets.socketBind(own, AF_INET, '127.0.0.1', 0), 0)
  const port = Number(String(sockets.socketName(own)).split(' ')[1])
  const [peer, stranger] = [0, 1].map(() => {
    const fd = sockets.socketOpen(AF_INET, SOCK_DGRAM, 0)
    assert.equal(sockets.socketConnect(fd, AF_INET, '127.0.0.1', port), 0)
    return fd
  }) as [number, number]
  const only = new Uint8Array(128)
  const length = sockets.socketAddress(only, AF_INET, '127.0.0.1', Number(String(sockets.socketName(peer)).split(' ')[1]))
  const reader = new MessageSocket(own, own, context, { only: only.slice(0, length) })
  for (const [i, fd] of [stranger, peer, stranger, stranger, peer, stranger].entries()) sockets.socketSend(fd, filled(32, i))
  const target = new Uint8Array(64)
  for (const seed of [1, 4]) {
    assert.equal(reader.tryReceiveInto(target), 32)
    assert(Buffer.compare(target.subarray(0, 32), filled(32, seed)) === 0)
  }
  assert.equal(reader.tryReceiveInto(target), Result.WOULD_BLOCK)
  for (const fd of [peer, stranger]) native.fdClose(fd)
  reader.close()
})

test('12: a datagram that is longer than any is an error, not a part of it', () => {
  const ends = new Int32Array(2)
  assert.equal(sockets.socketPair(SOCK_DGRAM, ends), 0)
  const [a, b] = ends as unknown as [number, number]
  const SO_SNDBUFFORCE = 32
  const forced = sockets.socketSetOption(b, 1, SO_SNDBUFFORCE, 4 * 1024 * 1024)
  const reader = new UnixMessageSocket(a, context)
  const target = new Uint8Array(64)
  if (forced === 0) {
    assert.equal(sockets.socketSend(b, filled(8)), 8)
    assert.equal(sockets.socketSend(b, new Uint8Array(1 << 20)), 1 << 20)
    assert.equal(reader.tryReceiveInto(target), 8)
    assert.equal(reader.tryReceiveInto(target), Result.FAILED)
    assert.equal(reader.error?.code, 'ERR_IPC_PROTOCOL')
  }
  native.fdClose(b)
  reader.close()
})

test('12: descriptors that a peer attaches are closed', () => {
  for (const Socket of [UnixMessageSocket, AttestedSocket]) {
    const ends = new Int32Array(2)
    const given = new Int32Array(2)
    assert.equal(sockets.socketPair(SOCK_DGRAM, ends), 0)
    assert.equal(native.fdPipe(0o4000, given), 0)
    const [a, b] = ends as unknown as [number, number]
    if (Socket === AttestedSocket) attest(a, context)
    const reader = new Socket(a, context)
    for (let i = 0; i < 5; i++) assert.equal(sockets.socketGive(b, filled(16, i), given), 16)
    const [readFd, writeFd] = given as unknown as [number, number]
    native.fdClose(writeFd)
    const target = new Uint8Array(64)
    for (let i = 0; i < 5; i++) assert.equal(reader.tryReceiveInto(target), 16)
    // Nobody else holds the writing end now: the pipe is at its end, where it would block else.
    assert.equal(native.fdRead(readFd, target), 0)
    native.fdClose(readFd)
    native.fdClose(b)
    reader.close()
  }
})
