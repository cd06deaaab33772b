import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import { digest } from '../pattern.js'
import type { Case } from './case.js'
import { carriesBytes, connects, lossless } from './conditions.js'
import { pending } from './context.js'

export const tries: Case[] = [
  {
    promise: 9,
    title: 'tryReceiveInto answers at once, and with waitReadable receives everything',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const length = context.length(64)
      const target = new Uint8Array(length)
      assert.equal(channel.tryReceiveInto(target), Result.WOULD_BLOCK)
      const readable = channel.waitReadable()
      assert(await pending(readable))
      await call('send', { seed: 1, length })
      assert.equal(await readable, true)
      let n = channel.tryReceiveInto(target)
      while (n === Result.WOULD_BLOCK) {
        await channel.waitReadable()
        n = channel.tryReceiveInto(target)
      }
      assert.equal(n, length)
      assert.equal(digest(target), digest(context.payload(1)))
      assert.equal(channel.tryReceiveInto(target), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 9,
    title: 'trySend takes a whole message, and leaves the rest of a larger target as it was',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const data = context.payload(2)
      const echoed = call('echo', {})
      assert.equal(channel.trySend(data), data.length)
      const target = new Uint8Array(data.length + 10).fill(7)
      assert.equal(await channel.receiveInto(target), data.length)
      await echoed
      assert.equal(digest(target.subarray(0, data.length)), digest(data))
      assert.deepEqual([...target.subarray(data.length)], new Array(10).fill(7))
    },
  },
  {
    promise: 9,
    title: 'a message larger than the target stays queued',
    shared: true,
    requires: [connects, carriesBytes],
    async run(context) {
      const { channel, call } = await context.peer()
      const data = context.payload(3)
      await call('send', { seed: 3, length: data.length })
      const small = new Uint8Array(data.length - 1)
      assert.equal(await channel.receiveInto(small), Result.TARGET_SIZE)
      assert.equal(channel.tryReceiveInto(small), Result.TARGET_SIZE)
      assert.equal(await channel.waitReadable(), true)
      assert.equal(channel.tryReceiveInto(new Uint8Array(0)), Result.TARGET_SIZE)
      const message = await channel.receive()
      assert(message !== null)
      assert.equal(digest(message), digest(data))
    },
  },
  {
    promise: 9,
    title: 'tryReceiveInto does not overtake a receive that waits',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const first = channel.receive()
      assert.equal(channel.tryReceiveInto(new Uint8Array(64)), Result.BUSY)
      await call('send', { seed: 1, length: context.length(64) })
      assert.notEqual(await first, null)
    },
  },
  {
    promise: 9,
    title: 'a send that is not corked is published at once',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { channel, call } = await context.peer()
      for (let i = 0; i < 3; i++) {
        await channel.send(context.payload(i))
        assert.deepEqual(await call('receive', { timeout: 5000 }), [digest(context.payload(i))])
      }
    },
  },
  {
    promise: 9,
    title: 'wrong arguments are programming mistakes: TypeError and RangeError',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel } = await context.peer()
      const wrong = [undefined, null, 'text', [1, 2], new ArrayBuffer(4), 7] as unknown as Uint8Array[]
      for (const data of wrong) {
        await assert.rejects(channel.send(data), TypeError)
        assert.throws(() => channel.trySend(data), TypeError)
        assert.throws(() => channel.tryReceiveInto(data), TypeError)
      }
      for (const timeout of [-1, Number.NaN]) {
        await assert.rejects(channel.receive({ timeout }), RangeError)
        await assert.rejects(channel.send(context.payload(0), { timeout }), RangeError)
        await assert.rejects(channel.waitReadable({ timeout }), RangeError)
      }
      assert.equal(channel.state, 'open')
    },
  },
]
