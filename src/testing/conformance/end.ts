import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { carriesNothing, connects, counts, detectsPeerExit, ends, framed, halfClose, lossless, named, processes } from './conditions.js'
import { endsOrGone, rejects } from './context.js'

export const end: Case[] = [
  {
    promise: 5,
    title: 'the end is null, after everything sent before it, and stays',
    requires: [connects, ends],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const length = context.length(1000)
      const sent = call('send', { seed: 0, length, count: 20 }).then(() => call('end', {}))
      for (let i = 0; i < 20; i++) {
        const message = await channel.receive()
        assert(message !== null, `the end after ${i} of 20`)
        assert.equal(digest(message), digest(pattern(i, length)))
      }
      assert.equal(await channel.receive(), null)
      await sent
      assert.equal(await channel.receive(), null)
      assert.equal(await channel.receiveMessage(), null)
      assert.equal(channel.tryReceiveInto(new Uint8Array(8)), Result.END)
      assert.equal(await channel.receiveInto(new Uint8Array(8)), Result.END)
      assert.equal(await channel.waitReadable(), true)
      for await (const _ of channel) assert.fail('a message after the end')
    },
  },
  {
    promise: 5,
    title: 'a receive that waits gets the end when the peer closes',
    requires: [connects, ends],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const received = channel.receive()
      await call('close', {})
      assert.equal(await received, null)
    },
  },
  {
    promise: 5,
    title: 'a message without bytes is a message, and not the end',
    shared: true,
    requires: [connects, carriesNothing],
    async run(context) {
      const peer = await context.peer()
      await context.exchange(peer, new Uint8Array(0))
      await context.exchange(peer, context.payload(1))
      await peer.call('send', { seed: 0, length: 0 })
      assert.equal(await peer.channel.receiveInto(new Uint8Array(8)), 0)
    },
  },
  {
    promise: 1,
    title: 'end closes one direction, and the other keeps flowing',
    requires: [connects, halfClose],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const length = context.length(64)
      await channel.send(pattern(1, length))
      await channel.end()
      await channel.end()
      await rejects(channel.send(pattern(2, length)), 'ERR_IPC_CLOSED')
      assert.equal(channel.trySend(pattern(2, length)), Result.CLOSED)
      assert.equal(await channel.waitWritable(), false)
      assert.deepEqual(await call('receive', { count: 2 }), [digest(pattern(1, length)), null])
      await call('send', { seed: 3, length, count: 3 })
      for (let i = 0; i < 3; i++) {
        const message = await channel.receive()
        assert(message !== null)
        assert.equal(digest(message), digest(pattern(3 + i, length)))
      }
      await call('end', {})
      assert.equal(await channel.receive(), null)
      assert.equal(channel.state, 'open')
    },
  },
  {
    promise: 8,
    title: 'closing with unread input loses nothing that this side sent',
    requires: [connects, counts],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const length = context.length(64)
      const count = lossless.holds(context.subject) ? 10 : 2
      for (let i = 0; i < count; i++) await channel.send(pattern(i, length))
      await call('send', { seed: 100, length, count })
      await call('close', {})
      for (let i = 0; i < count; i++) {
        const message = await channel.receive()
        assert(message !== null, `the end after ${i} of ${count}`)
        assert.equal(digest(message), digest(pattern(100 + i, length)))
      }
      if (context.subject.end !== 'none') assert.equal(await channel.receive(), null)
    },
  },
  {
    promise: 8,
    title: 'a peer that is killed ends a receive that waits',
    requires: [connects],
    async run(context) {
      const { channel, call, exited } = await context.spawnedPeer()
      const received = endsOrGone(channel.receive())
      const { code, signal } = await context.kill({ call, exited })
      assert.equal(signal ?? code, context.subject.threads ? 1 : 'SIGKILL')
      await received
    },
  },
  {
    promise: 8,
    title: 'what a peer had sent when it was killed is read first',
    requires: [connects, counts],
    async run(context) {
      const { channel, call, exited } = await context.spawnedPeer()
      const length = context.length(64)
      const count = lossless.holds(context.subject) ? 8 : 2
      await call('send', { seed: 0, length, count })
      await context.kill({ call, exited })
      for (let i = 0; i < count; i++) {
        const message = await channel.receive()
        assert(message !== null, `the end after ${i} of ${count}`)
        assert.equal(digest(message), digest(pattern(i, length)))
      }
      await endsOrGone(channel.receive())
    },
  },
  {
    promise: 2,
    title: 'a peer that is killed inside a message yields an error, and no part of it',
    requires: [connects, framed, processes],
    async run(context) {
      const { channel, call, exited } = await context.spawnedPeer()
      const sent = call('send', { seed: 1, length: 8 * 1024 * 1024 })
      sent.catch(() => {})
      assert(await channel.waitReadable(), 'its first bytes are here')
      await context.kill({ call, exited })
      await rejects(channel.receive(), 'ERR_IPC_PEER_GONE')
    },
  },
  {
    promise: 8,
    title: 'the peer is told to be gone by the mechanism alone',
    ends: true,
    requires: [named, detectsPeerExit],
    async run(context) {
      const { helper, channel } = await context.meet()
      const received = endsOrGone(channel.receive())
      await context.kill(helper)
      await received
    },
  },
]
