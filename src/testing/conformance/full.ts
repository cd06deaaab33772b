import assert from 'node:assert/strict'
import { type LinkOptions, Result } from '../../core/channel.js'
import { digest, pattern } from '../pattern.js'
import { type Case, Skip } from './case.js'
import { connects, lossless } from './conditions.js'
import { type Context, codeOf, pending, rejects } from './context.js'

/** Fills the channel of an own peer that does not read. */
async function full(context: Context, options: LinkOptions & { spawned?: true } = {}) {
  const { spawned, ...link } = options
  const peer = await (spawned === true ? context.spawnedPeer(link) : context.ownPeer(link))
  const length = context.length(4096)
  const taken = await context.fill(peer.channel, length)
  if (taken < 0) {
    if (length > 8) assert.fail(`trySend never said that it is full, after ${-taken} messages of ${length} bytes`)
    throw new Skip(`took ${-taken} messages and was not full`)
  }
  assert(taken > 0, 'not even one message fits')
  return { peer, channel: peer.channel, length, taken }
}

export const fullness: Case[] = [
  {
    promise: 4,
    title: 'trySend says when it is full, and nothing that it took is lost',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context)
      assert.equal(channel.trySend(pattern(0, length)), Result.WOULD_BLOCK)
      await peer.call('expect', { seed: 0, length, count: taken })
      assert(await channel.waitWritable(), 'there is room again')
      assert.equal(channel.trySend(pattern(1, length)), length)
      assert.deepEqual(await peer.call('receive', {}), [digest(pattern(1, length))])
      assert.equal(await peer.call('tryReceive', {}), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 4,
    title: 'send waits for room, and settles when the peer has read',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context)
      const sends = [channel.send(pattern(taken, length)), channel.send(pattern(taken + 1, length))]
      assert(await pending(Promise.any(sends)))
      assert(channel.queuedBytes > 0)
      assert.equal(channel.trySend(pattern(0, length)), Result.WOULD_BLOCK, 'it may not overtake')
      await peer.call('expect', { seed: 0, length, count: taken + 2 })
      await Promise.all(sends)
      assert.equal(channel.queuedBytes, 0)
    },
  },
  {
    promise: 4,
    title: 'what send queues is bounded by maxQueuedBytes, then ERR_IPC_FULL',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, { maxQueuedBytes: 5 * Math.max(1, context.length(4096)) })
      const sends: Promise<void>[] = []
      for (let i = 0; i < 5; i++) sends.push(channel.send(pattern(taken + i, length)))
      await rejects(channel.send(pattern(0, length)), 'ERR_IPC_FULL')
      assert(channel.queuedBytes > 0)
      await peer.call('expect', { seed: 0, length, count: taken + 5 })
      await Promise.all(sends)
      await channel.send(pattern(7, length))
      assert.deepEqual(await peer.call('receive', {}), [digest(pattern(7, length))], 'the refused message was not sent')
    },
  },
  {
    promise: 7,
    title: 'a send aborted while it waits rejects with the reason, and is not sent',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context)
      // A frame written in part belongs to the message before.
      const before = channel.send(pattern(taken, length))
      const controller = new AbortController()
      const aborted = channel.send(pattern(999, length), { signal: controller.signal })
      const timedOut = channel.send(pattern(998, length), { timeout: 30 })
      const after = channel.send(pattern(taken + 1, length))
      const reason = new Error('enough')
      controller.abort(reason)
      await assert.rejects(aborted, reason)
      await rejects(timedOut, 'ERR_IPC_TIMEOUT')
      await peer.call('expect', { seed: 0, length, count: taken + 2 })
      await Promise.all([before, after])
      assert.equal(channel.queuedBytes, 0)
    },
  },
  {
    promise: 7,
    title: 'waitWritable waits while it is full, and can be aborted',
    requires: [connects, lossless],
    async run(context) {
      const { channel, length } = await full(context)
      const controller = new AbortController()
      const waited = channel.waitWritable({ signal: controller.signal })
      // What cannot be watched is tried again from time to time: then true means "try", and room is not promised.
      const waits = await pending(waited)
      assert(waits || channel.capabilities.asyncWait === 'thread' || (await waited), 'it waits, or says that it is worth a try')
      controller.abort(new Error('enough'))
      if (waits) await assert.rejects(waited, /enough/)
      await channel.waitWritable({ timeout: 20 }).catch((error) => assert.equal(codeOf(error), 'ERR_IPC_TIMEOUT'))
      assert.equal(channel.trySend(pattern(0, length)), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 8,
    title: 'close flushes what send accepted',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context)
      const sends = Array.from({ length: 3 }, (_, i) => channel.send(pattern(taken + i, length)))
      const closed = channel.close()
      assert.equal(channel.state, 'closing')
      await rejects(channel.send(pattern(0, length)), 'ERR_IPC_CLOSED')
      assert.equal(channel.trySend(pattern(0, length)), Result.CLOSED)
      await peer.call('expect', { seed: 0, length, count: taken + 3 })
      await Promise.all([...sends, closed])
      assert.equal(channel.state, 'closed')
      if (context.subject.end !== 'none') assert.deepEqual(await peer.call('receive', {}), [null])
    },
  },
  {
    promise: 8,
    title: 'close with a timeout releases everything although the peer does not read',
    requires: [connects, lossless],
    async run(context) {
      const { channel, length } = await full(context)
      const send = channel.send(pattern(0, length))
      send.catch(() => {})
      const error = await rejects(channel.close({ timeout: 30 }), 'ERR_IPC_TIMEOUT')
      assert.equal(channel.state, 'closed')
      assert.equal(await channel.closed, error)
      await assert.rejects(send)
      await rejects(channel.close(), 'ERR_IPC_TIMEOUT')
    },
  },
  {
    promise: 8,
    title: 'destroy rejects what waits with its reason',
    requires: [connects, lossless],
    async run(context) {
      const { channel, length } = await full(context)
      const reason = new Error('given up')
      const waits = [channel.send(pattern(0, length)), channel.send(pattern(1, length)), channel.receive(), channel.receive()]
      const rejected = Promise.all(waits.map((wait) => assert.rejects(wait, reason)))
      channel.destroy(reason)
      await rejected
      assert.equal(await channel.closed, reason)
      assert.equal(channel.queuedBytes, 0)
    },
  },
  {
    promise: 8,
    title: 'a peer that is killed while a send waits for room does not hang it',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length } = await full(context, { spawned: true })
      const send = channel.send(pattern(0, length))
      const settled = rejects(send, 'ERR_IPC_PEER_GONE')
      await context.kill(peer)
      await settled
      await rejects(channel.send(pattern(0, length)), 'ERR_IPC_PEER_GONE')
    },
  },
  {
    promise: 9,
    title: 'corked sends are published by uncork, together and in order',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { channel, call } = await context.peer()
      const length = context.length(32)
      channel.cork()
      channel.cork()
      const sends = Array.from({ length: 20 }, (_, i) => channel.send(pattern(i, length)))
      channel.uncork()
      channel.uncork()
      await call('expect', { seed: 0, length, count: 20 })
      await Promise.all(sends)
      channel.cork()
      for (let i = 0; i < 5; i++) assert.equal(channel.trySend(pattern(i, length)), length)
      channel.uncork()
      await call('expect', { seed: 0, length, count: 5 })
      assert(await channel.waitWritable())
      channel.uncork() // one more than corked: nothing happens
      await channel.send(pattern(1, length))
      await call('expect', { seed: 1, length })
    },
  },
  {
    promise: 9,
    title: 'what is corked when the channel closes is published before the end',
    requires: [connects, lossless],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const length = context.length(32)
      channel.cork()
      const sends = [channel.send(pattern(0, length)), channel.send(pattern(1, length))]
      const arrived = call('expect', { seed: 0, length, count: 2 })
      await channel.close()
      await Promise.all([...sends, arrived])
    },
  },
]
