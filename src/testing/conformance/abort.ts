import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { carriesWords, connects, framed, lossless } from './conditions.js'
import { pending, rejects } from './context.js'

export const abort: Case[] = [
  {
    promise: 7,
    title: 'a call with an aborted signal rejects at once, and takes and sends nothing',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const signal = AbortSignal.abort(new Error('before'))
      await call('send', { seed: 1, length: context.length(64) })
      await assert.rejects(channel.receive({ signal }), /before/)
      await assert.rejects(channel.receiveInto(new Uint8Array(64), { signal }), /before/)
      await assert.rejects(channel.waitReadable({ signal }), /before/)
      await assert.rejects(channel.waitWritable({ signal }), /before/)
      await assert.rejects(channel.send(context.payload(9), { signal }), /before/)
      const message = await channel.receive()
      assert(message !== null)
      assert.equal(digest(message), digest(context.payload(1)))
      await channel.send(context.payload(2))
      assert.deepEqual(await call('receive', {}), [digest(context.payload(2))])
    },
  },
  {
    promise: 7,
    title: 'a receive aborted while it waits rejects with the reason, and the next gets the message',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const controller = new AbortController()
      const aborted = channel.receive({ signal: controller.signal })
      const next = channel.receive()
      assert(await pending(aborted))
      const reason = new Error('during')
      controller.abort(reason)
      await assert.rejects(aborted, reason)
      await call('send', { seed: 1, length: context.length(64) })
      const message = await next
      assert(message !== null)
      assert.equal(digest(message), digest(context.payload(1)))
    },
  },
  {
    promise: 7,
    title: 'of messages that race with aborts, each is received exactly once',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { channel, call } = await context.peer()
      const length = context.length(16)
      const count = 40
      const sent = call('send', { seed: 0, length, count })
      const got: string[] = []
      for (let i = 0; got.length < count; i++) {
        const controller = new AbortController()
        const received = channel.receive({ signal: controller.signal })
        if (i % 2 === 0) await turn()
        controller.abort()
        const message = await received.catch(() => undefined)
        assert.notEqual(message, null)
        if (message) got.push(digest(message))
      }
      await sent
      assert.deepEqual(
        got,
        Array.from({ length: count }, (_, i) => digest(pattern(i, length))),
      )
    },
  },
  {
    promise: 7,
    title: 'an abort after a call has settled changes nothing',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel, call } = await context.peer()
      const controller = new AbortController()
      const { signal } = controller
      await channel.send(context.payload(1), { signal })
      await call('echo', {})
      assert.notEqual(await channel.receive({ signal }), null)
      controller.abort()
      assert.equal(channel.state, 'open')
    },
  },
  {
    promise: 7,
    title: 'a timeout rejects with ERR_IPC_TIMEOUT, and not before its time',
    shared: true,
    requires: [connects],
    async run(context) {
      const { channel } = await context.peer()
      for (const wait of [() => channel.receive({ timeout: 30 }), () => channel.receiveInto(new Uint8Array(64), { timeout: 30 })]) {
        const begin = performance.now()
        await rejects(wait(), 'ERR_IPC_TIMEOUT')
        assert(performance.now() - begin >= 28, 'it came before its time')
      }
      await rejects(channel.receive({ timeout: 0 }), 'ERR_IPC_TIMEOUT')
    },
  },
  {
    promise: 7,
    title: 'an abort after the first byte was taken does not cut the message',
    shared: true,
    requires: [connects, framed, lossless],
    async run(context) {
      const { channel, call } = await context.peer()
      const data = pattern(1, 16 * 1024 * 1024)
      const controller = new AbortController()
      const sent = channel.send(data, { signal: controller.signal, timeout: 1 })
      assert(await pending(sent), 'more than the kernel takes at once')
      controller.abort(new Error('too late'))
      assert(await pending(sent))
      assert.deepEqual(await call('receive', {}), [digest(data)])
      await sent
    },
  },
  {
    promise: 7,
    title: 'leaving a for-await loop closes nothing, and another goes on where it stopped',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { channel, call } = await context.peer()
      const length = context.length(16)
      await call('send', { seed: 0, length, count: 4 })
      const got: string[] = []
      for (let loop = 0; loop < 2; loop++)
        for await (const message of channel) {
          got.push(digest(message))
          if (got.length % 2 === 0) break
        }
      assert.deepEqual(
        got,
        [0, 1, 2, 3].map((i) => digest(pattern(i, length))),
      )
      assert.equal(channel.state, 'open')
    },
  },
  {
    promise: 7,
    title: 'a loop ends by its signal, and the channel stays open',
    shared: true,
    requires: [connects, carriesWords],
    async run(context) {
      const { channel } = await context.peer()
      const controller = new AbortController()
      const loop = (async () => {
        for await (const _ of channel.messages({ signal: controller.signal })) assert.fail('nothing was sent')
      })()
      assert(await pending(loop))
      controller.abort(new Error('stop'))
      await assert.rejects(loop, /stop/)
      assert.equal(channel.state, 'open')
    },
  },
]
