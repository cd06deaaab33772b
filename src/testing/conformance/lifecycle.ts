import assert from 'node:assert/strict'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { connects, counts, lossless, manyEnds, named } from './conditions.js'
import { codeOf, endsOrGone } from './context.js'

const exitedCleanly = ({ code, signal }: { code: number | null; signal: string | null }) =>
  assert.deepEqual({ code, signal }, { code: 0, signal: null })

export const lifecycle: Case[] = [
  {
    promise: 10,
    title: 'an open channel keeps its process alive, and a closed one lets it end',
    requires: [connects],
    async run(context) {
      const peer = await context.spawnedPeer()
      // Nothing else holds the peer: its control socket does not.
      await context.exchange(peer, context.payload(1))
      await peer.call('ping')
      await context.exchange(peer, context.payload(2))
      if (counts.holds(context.subject)) await peer.call('send', { seed: 3, length: context.length(64) })
      await peer.call('close', {})
      exitedCleanly(await peer.exited)
      // What it sent before is still to be read.
      if (!counts.holds(context.subject)) return
      const message = await peer.channel.receive()
      assert(message !== null, 'the end before the last message')
      assert.equal(digest(message), digest(context.payload(3)))
    },
  },
  {
    promise: 10,
    title: 'unref lets the process end although the channel is open',
    requires: [connects],
    async run(context) {
      const peer = await context.spawnedPeer()
      await context.exchange(peer, context.payload(1))
      await peer.call('unref', {})
      exitedCleanly(await peer.exited)
    },
  },
  {
    promise: 10,
    title: 'a process that destroys its channel ends',
    requires: [connects],
    async run(context) {
      const peer = await context.spawnedPeer()
      await peer.call('destroy', {})
      exitedCleanly(await peer.exited)
    },
  },
  {
    promise: 10,
    title: 'process.exit right after settled sends loses nothing',
    requires: [connects, lossless],
    async run(context) {
      const { channel, call, exited } = await context.spawnedPeer()
      const length = context.length(30_000)
      const count = length < 64 ? 100 : 10
      call('sendAndExit', { seed: 0, length, count }).catch(() => {})
      for (let i = 0; i < count; i++) {
        const message = await channel.receive()
        assert(message !== null, `the end after ${i} of ${count}`)
        assert.equal(digest(message), digest(pattern(i, length)))
      }
      exitedCleanly(await exited)
    },
  },
  {
    promise: 10,
    title: 'what was settled while nobody read is there after process.exit',
    requires: [connects, lossless],
    async run(context) {
      const { channel, call, exited, lastWord } = await context.spawnedPeer()
      const length = context.length(4096)
      call('fillAndExit', { seed: 0, length }).catch(() => {})
      exitedCleanly(await exited)
      const { settled } = (await lastWord) as { settled: number }
      assert(settled > 0)
      for (let i = 0; i < settled; i++) {
        const message = await channel.receive()
        assert(message !== null, `the end after ${i} of ${settled}`)
        assert.equal(digest(message), digest(pattern(i, length)))
      }
      await channel.receive().catch((error) => assert.equal(codeOf(error), 'ERR_IPC_PEER_GONE'))
    },
  },
  {
    promise: 10,
    title: 'process.exit in the middle of a receive ends at once',
    requires: [connects],
    async run(context) {
      const { channel, call, exited } = await context.spawnedPeer()
      call('receive', {}).catch(() => {})
      call('exit', { code: 3 }).catch(() => {})
      assert.deepEqual(await exited, { code: 3, signal: null })
      await endsOrGone(channel.receive())
    },
  },
  {
    promise: 10,
    title: 'a worker thread holds a channel, and its end in the middle of a receive harms nothing',
    ends: true,
    requires: [named, manyEnds],
    async run(context) {
      const helper = await context.helper()
      const { sent, echoed } = await helper.call('worker', { adapter: context.adapter.id })
      assert.equal(echoed, sent)
      await helper.call('release')
      exitedCleanly(await helper.exited)
    },
  },
]
