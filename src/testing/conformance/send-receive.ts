import assert from 'node:assert/strict'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { carriesBytes, connects, lossless } from './conditions.js'
import { pending } from './context.js'

const MEBIBYTE = 1024 * 1024
const SIZES = [0, 1, 2, 63, 64, 65, 4095, 4096, 4097, 65_535, 65_536, 65_537, MEBIBYTE + 3]

export const sendReceive: Case[] = [
  {
    promise: 1,
    title: 'messages go both ways, also at one time',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      if (!lossless.holds(context.subject)) {
        for (let i = 0; i < 5; i++) await context.exchange(peer, context.payload(i))
        return
      }
      const length = context.length(1024)
      const theirs = peer.call('send', { seed: 1000, length, count: 200 })
      const arrived = peer.call('expect', { seed: 0, length, count: 200 })
      const ours = (async () => {
        for (let i = 0; i < 200; i++) await peer.channel.send(pattern(i, length))
      })()
      for (let i = 0; i < 200; i++) {
        const message = await peer.channel.receive()
        assert(message !== null)
        if (length >= 4) assert.equal(message.length, length)
      }
      await Promise.all([theirs, arrived, ours])
    },
  },
  {
    promise: 2,
    title: 'a message of every size class is delivered byte-identical',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      const { min, max } = peer.channel.capabilities.payload
      const sizes = new Set([min, ...(max <= 4 * MEBIBYTE ? [max] : []), ...SIZES.filter((size) => size >= min && size <= max)])
      for (const size of sizes) await context.exchange(peer, pattern(size, size))
    },
  },
  {
    promise: 2,
    title: 'send settles although the peer does not read',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      await peer.channel.send(context.payload(1))
      assert.equal(peer.channel.queuedBytes, 0)
      assert.deepEqual(await peer.call('receive', {}), [digest(context.payload(1))])
    },
  },
  {
    promise: 2,
    title: 'the buffer is the caller’s again when send has settled',
    shared: true,
    requires: [connects, carriesBytes],
    async run(context) {
      const peer = await context.peer()
      const data = context.payload(5, lossless.holds(context.subject) ? MEBIBYTE : 1024)
      const expected = digest(data)
      const received = peer.call('receive', {})
      await peer.channel.send(data)
      data.fill(255)
      assert.deepEqual(await received, [expected])
    },
  },
  {
    promise: 2,
    title: 'trySend borrows nothing: the buffer may be used again at once',
    shared: true,
    requires: [connects, carriesBytes],
    async run(context) {
      const peer = await context.peer()
      const data = context.payload(6, lossless.holds(context.subject) ? 512 * 1024 : 1024)
      const expected = digest(data)
      assert.equal(peer.channel.trySend(data), data.length)
      data.fill(255)
      assert.deepEqual(await peer.call('receive', {}), [expected])
      assert(await peer.channel.waitWritable())
    },
  },
  {
    promise: 2,
    title: 'what a view does not show of its buffer is not sent',
    shared: true,
    requires: [connects, carriesBytes],
    async run(context) {
      const peer = await context.peer()
      const data = context.payload(9, 100)
      const larger = new Uint8Array(data.length + 20).fill(238)
      larger.set(data, 10)
      await context.exchange(peer, larger.subarray(10, 10 + data.length))
    },
  },
  {
    promise: 5,
    title: 'received bytes are the caller’s own: the next message does not change them',
    shared: true,
    requires: [connects, carriesBytes],
    async run(context) {
      const peer = await context.peer()
      await context.exchange(peer, context.payload(1))
      await peer.call('send', { seed: 1, length: context.length(64) })
      const first = await peer.channel.receive()
      await peer.call('send', { seed: 2, length: context.length(64) })
      await peer.channel.receive()
      assert(first !== null)
      assert.equal(digest(first), digest(context.payload(1)))
      assert(first.byteOffset === 0 && first.buffer.byteLength === first.length, 'the whole buffer is the message')
    },
  },
  {
    promise: 5,
    title: 'receive waits while there is nothing',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      const received = peer.channel.receive()
      assert(await pending(received))
      await peer.call('send', { seed: 3, length: context.length(64) })
      const message = await received
      assert(message !== null)
      assert.equal(digest(message), digest(context.payload(3)))
    },
  },
  {
    promise: 5,
    title: 'receiveMessage tells the data, a priority and perhaps the sender',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      await peer.call('send', { seed: 4, length: context.length(64) })
      const message = await peer.channel.receiveMessage()
      assert(message !== null)
      assert.equal(digest(message.data), digest(context.payload(4)))
      assert.equal(message.priority, 0)
      if (typeof message.from === 'object') assert.equal(message.from.pid, peer.pid)
    },
  },
]
