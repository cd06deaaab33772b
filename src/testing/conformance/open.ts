import assert from 'node:assert/strict'
import { type Receiver, Result } from '../../core/channel.js'
import { openReceiver, openSender } from '../../core/rendezvous.js'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { framed, keeps, makesNames, opens, opensWithEnd } from './conditions.js'
import { type Context, pending, rejects } from './context.js'

/** The next message; of an object that is a byte stream, the next `length` bytes. */
async function next({ subject }: Context, receiver: Receiver, length: number): Promise<Uint8Array> {
  if (!framed.holds(subject)) return (await receiver.receive()) ?? assert.fail('the end instead of a message')
  const bytes = new Uint8Array(length)
  for (let got = 0; got < length; ) {
    const n = await receiver.receiveInto(bytes.subarray(got))
    assert(n > 0, `receiveInto answered ${n} after ${got} of ${length} bytes`)
    got += n
  }
  return bytes
}

export const open: Case[] = [
  {
    promise: 5,
    title: 'a receiver opened before the first writer waits, and gets what a sender in another process sends',
    requires: [opens],
    async run(context) {
      const address = await context.unheard()
      const receiver = context.own(await openReceiver(address, { create: 'if-missing' }))
      const received = receiver.receive()
      assert(await pending(received))
      const helper = await context.helper()
      await helper.call('openSender', { address: context.url(address) })
      await helper.call('send', { seed: 1, length: context.length(64) })
      const message = await received
      assert(message !== null, 'the end instead of a message')
      assert.equal(digest(message), digest(context.payload(1)))
    },
  },
  {
    promise: 2,
    title: 'what is sent through an opened object is delivered byte-identical and in order',
    requires: [opens, keeps],
    async run(context) {
      const address = context.address()
      const helper = await context.helper()
      const receiver = context.own(await openReceiver(address, { create: 'if-missing' }))
      await helper.call('openSender', { address: context.url(address) })
      const { min, max } = receiver.capabilities.payload
      const sizes = [min, Math.min(max, Math.max(min, 1)), Math.min(max, 64), Math.min(max, 65_536)]
      for (const [i, length] of sizes.entries()) {
        const sent = helper.call('send', { seed: i, length })
        assert.equal(digest(await next(context, receiver, length)), digest(pattern(i, length)))
        await sent
      }
      const length = context.length(32)
      const sent = helper.call('send', { seed: 100, length, count: 100 })
      for (let i = 0; i < 100; i++)
        assert.equal(digest(await next(context, receiver, length)), digest(pattern(100 + i, length)), `message ${i}`)
      await sent
      assert.equal(receiver.tryReceiveInto(new Uint8Array(64)), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 11,
    title: 'create decides: never needs it, exclusive must make it, if-missing takes either',
    requires: [opens, makesNames],
    async run(context) {
      const address = context.address()
      await rejects(openReceiver(address, { create: 'never' }), 'ERR_IPC_NOT_FOUND')
      await rejects(openSender(address, { create: 'never' }), 'ERR_IPC_NOT_FOUND')
      const first = context.own(await openReceiver(address, { create: 'exclusive' }))
      await rejects(openReceiver(address, { create: 'exclusive' }), 'ERR_IPC_EXISTS')
      const helper = await context.helper()
      const url = context.url(address)
      await helper.call('openSender', { address: url, options: { create: 'if-missing' } })
      await helper.call('close', {})
      await first.close()
      await rejects(openSender(address, { create: 'never' }), 'ERR_IPC_NOT_FOUND')
    },
  },
  {
    promise: 11,
    title: 'unlink: never leaves the object for others, who do not remove what they did not create',
    requires: [opens, makesNames],
    async run(context) {
      const address = context.address()
      const creator = await openReceiver(address, { create: 'exclusive' })
      context.own(creator)
      const guest = await openReceiver(address, { create: 'never' }).catch((error: { code?: string }) => {
        assert.equal(error.code, 'ERR_IPC_BUSY', 'one receiver at most, or several')
        return undefined
      })
      await guest?.close()
      await rejects(openReceiver(address, { create: 'exclusive' }), 'ERR_IPC_EXISTS')
    },
  },
  {
    promise: 5,
    title: 'endAfterLastWriter decides whether a receiver outlives its writers',
    requires: [opens, opensWithEnd],
    async run(context) {
      const helper = await context.helper()
      for (const endAfterLastWriter of [true, false]) {
        const address = context.address()
        const receiver = context.own(await openReceiver(address, { create: 'exclusive', endAfterLastWriter }))
        for (let writer = 0; writer < 2; writer++) {
          await helper.call('openSender', { on: `${writer}`, address: context.url(address) })
          await helper.call('send', { on: `${writer}`, seed: writer, length: context.length(16) })
          await helper.call('close', { on: `${writer}` })
          const message = await receiver.receive()
          assert(message !== null, `the end before message ${writer}`)
          assert.equal(digest(message), digest(context.payload(writer, 16)))
          if (endAfterLastWriter) break
        }
        if (endAfterLastWriter) assert.equal(await receiver.receive(), null)
        else {
          const controller = new AbortController()
          const received = receiver.receive({ signal: controller.signal })
          assert(await pending(received), 'it ended with its last writer')
          controller.abort()
          await assert.rejects(received)
        }
      }
    },
  },
  {
    promise: 7,
    title: 'an opened receiver can be aborted, timed and closed while it waits',
    requires: [opens],
    async run(context) {
      const receiver = context.own(await openReceiver(context.address(), { create: 'if-missing' }))
      await rejects(receiver.receive({ timeout: 20 }), 'ERR_IPC_TIMEOUT')
      const waiting = rejects(receiver.receive(), 'ERR_IPC_CLOSED')
      await receiver.close()
      await waiting
    },
  },
  {
    promise: 4,
    title: 'an opened object says when it is full, and keeps what it took',
    requires: [opens, keeps],
    async run(context) {
      const address = context.address()
      const receiver = context.own(await openReceiver(address, { create: 'if-missing' }))
      const sender = context.own(await openSender(address))
      const length = context.length(64)
      const taken = await context.fill(sender, length)
      assert(taken > 0, `took ${-taken} messages without filling`)
      for (let i = 0; i < taken; i++)
        assert.equal(digest(await next(context, receiver, length)), digest(pattern(i, length)), `message ${i}`)
      assert.equal(receiver.tryReceiveInto(new Uint8Array(64)), Result.WOULD_BLOCK)
    },
  },
]
