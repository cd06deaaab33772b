import assert from 'node:assert/strict'
import { type Channel, Result } from '../../core/channel.js'
import { digest, pattern } from '../pattern.js'
import { Absent, type Case } from './case.js'
import { connects, lossless } from './conditions.js'
import { type Context, codeOf, pending, type Remote, rejects } from './context.js'

/** Fills the channel of a peer that does not read. */
async function full(context: Context, peer: Remote) {
  const length = context.length(4096)
  const taken = await context.fill(peer.channel, length)
  if (taken < 0) {
    if (length > 8) assert.fail(`trySend never said that it is full, after ${-taken} messages of ${length} bytes`)
    throw new Absent(`is not full after ${-taken} messages: its limit is beyond the reach of a run`)
  }
  assert(taken > 0, 'not even one message fits')
  return { peer, channel: peer.channel, length, taken }
}

const FIRST = 5000

/** How many more a full channel takes: none; of a stream one, where the kernel has widened its buffers since. */
function lateRoom(context: Context, channel: Channel, data: Uint8Array): 0 | 1 {
  const result = channel.trySend(data)
  if (result === data.length && context.subject.framing === 'stream') return 1
  assert.equal(result, Result.WOULD_BLOCK)
  return 0
}

export const fullness: Case[] = [
  {
    promise: 4,
    title: 'trySend says when it is full, and nothing that it took is lost',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, await context.peer())
      const more = lateRoom(context, channel, pattern(taken, length))
      await peer.call('expect', { seed: 0, length, count: taken + more })
      assert(await channel.waitWritable(), 'there is room again')
      assert.equal(channel.trySend(pattern(1, length)), length)
      assert.deepEqual(await peer.call('receive', {}), [digest(pattern(1, length))])
      assert.equal(await peer.call('tryReceive', {}), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 4,
    title: 'send waits for room, and settles when the peer has read',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, await context.peer())
      const first = context.beyondGrowth(FIRST)
      const sends = [channel.send(first), channel.send(pattern(taken + 1, length))]
      assert(await pending(Promise.any(sends)))
      assert(channel.queuedBytes > 0)
      assert.equal(channel.trySend(pattern(0, length)), Result.WOULD_BLOCK, 'it may not overtake')
      await peer.call('expect', { seed: 0, length, count: taken })
      await peer.call('expect', { seed: FIRST, length: first.length })
      await peer.call('expect', { seed: taken + 1, length })
      await Promise.all(sends)
      assert.equal(channel.queuedBytes, 0)
    },
  },
  {
    promise: 4,
    title: 'what send queues is bounded by maxQueuedBytes, then ERR_IPC_FULL',
    requires: [connects, lossless],
    async run(context) {
      const first = context.beyondGrowth(FIRST)
      const five = Math.max(1, first.length) + 4 * Math.max(1, context.length(4096))
      const { peer, channel, length, taken } = await full(context, await context.ownPeer({ maxQueuedBytes: five }))
      const sends = [channel.send(first)]
      for (let i = 1; i < 5; i++) sends.push(channel.send(pattern(taken + i, length)))
      await rejects(channel.send(pattern(0, length)), 'ERR_IPC_FULL')
      assert(channel.queuedBytes > 0)
      await peer.call('expect', { seed: 0, length, count: taken })
      await peer.call('expect', { seed: FIRST, length: first.length })
      await peer.call('expect', { seed: taken + 1, length, count: 4 })
      await Promise.all(sends)
      await channel.send(pattern(7, length))
      assert.deepEqual(await peer.call('receive', {}), [digest(pattern(7, length))], 'the refused message was not sent')
    },
  },
  {
    promise: 7,
    title: 'a send aborted while it waits rejects with the reason, and is not sent',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, await context.peer())
      const first = context.beyondGrowth(FIRST)
      const before = channel.send(first)
      const controller = new AbortController()
      const aborted = channel.send(pattern(999, length), { signal: controller.signal })
      const timedOut = channel.send(pattern(998, length), { timeout: 30 })
      const after = channel.send(pattern(taken + 1, length))
      const reason = new Error('enough')
      controller.abort(reason)
      await assert.rejects(aborted, reason)
      await rejects(timedOut, 'ERR_IPC_TIMEOUT')
      await peer.call('expect', { seed: 0, length, count: taken })
      await peer.call('expect', { seed: FIRST, length: first.length })
      await peer.call('expect', { seed: taken + 1, length })
      await Promise.all([before, after])
      assert.equal(channel.queuedBytes, 0)
    },
  },
  {
    promise: 7,
    title: 'waitWritable waits while it is full, and can be aborted',
    shared: true,
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, await context.peer())
      const controller = new AbortController()
      const waited = channel.waitWritable({ signal: controller.signal })
      // What cannot be watched is tried again from time to time: then true means "try", and room is not promised.
      const waits = await pending(waited)
      assert(waits || channel.capabilities.asyncWait === 'thread' || (await waited), 'it waits, or says that it is worth a try')
      controller.abort(new Error('enough'))
      if (waits) await assert.rejects(waited, /enough/)
      await channel.waitWritable({ timeout: 20 }).catch((error) => assert.equal(codeOf(error), 'ERR_IPC_TIMEOUT'))
      const more = lateRoom(context, channel, pattern(taken, length))
      await peer.call('expect', { seed: 0, length, count: taken + more })
    },
  },
  {
    promise: 8,
    title: 'close flushes what send accepted',
    requires: [connects, lossless],
    async run(context) {
      const { peer, channel, length, taken } = await full(context, await context.ownPeer())
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
      const { channel, length } = await full(context, await context.ownPeer())
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
      const { channel, length } = await full(context, await context.ownPeer())
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
      const { peer, channel, length } = await full(context, await context.spawnedPeer())
      const send = channel.send(pattern(0, length))
      const settled = send.catch((error) => assert.equal(codeOf(error), 'ERR_IPC_PEER_GONE'))
      await context.kill(peer)
      await settled
      // A process takes signals until it has ended, when the kernel drops what was pending; nothing else has room.
      if (context.subject.rendezvous !== 'pid') await rejects(send, 'ERR_IPC_PEER_GONE')
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
