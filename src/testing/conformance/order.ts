import assert from 'node:assert/strict'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { carriesWords, connects, counts, lossless, ordered, priorities } from './conditions.js'

export const order: Case[] = [
  {
    promise: 3,
    title: 'messages arrive in the order sent',
    shared: true,
    requires: [connects, counts, ordered],
    async run(context) {
      const peer = await context.peer()
      const length = context.length(48)
      const batch = lossless.holds(context.subject) ? 500 : 8
      const arrived = peer.call('expect', { seed: 0, length, count: batch })
      for (let i = 0; i < batch; i++) await peer.channel.send(pattern(i, length))
      await arrived
    },
  },
  {
    promise: 3,
    title: 'sends that are not awaited keep their order',
    shared: true,
    requires: [connects, lossless, ordered],
    async run(context) {
      const peer = await context.peer()
      const length = context.length(4096)
      const sends = Array.from({ length: 100 }, (_, i) => peer.channel.send(pattern(i, length)))
      await peer.call('expect', { seed: 0, length, count: 100 })
      await Promise.all(sends)
      assert.equal(peer.channel.queuedBytes, 0)
    },
  },
  {
    promise: 7,
    title: 'concurrent receives are served in call order',
    shared: true,
    requires: [connects, counts, ordered, carriesWords],
    async run(context) {
      const peer = await context.peer()
      const length = context.length(16)
      const receives = Array.from({ length: 5 }, () => peer.channel.receive())
      await peer.call('send', { seed: 10, length, count: 5 })
      for (const [i, message] of (await Promise.all(receives)).entries()) {
        assert(message !== null)
        assert.equal(digest(message), digest(pattern(10 + i, length)), `receive ${i}`)
      }
    },
  },
  {
    promise: 3,
    title: 'a higher priority arrives first, equal ones in the order sent',
    shared: true,
    requires: [connects, priorities],
    async run(context) {
      const peer = await context.peer()
      const length = context.length(8)
      for (const [i, priority] of [1, 5, 5, 0].entries()) await peer.channel.send(pattern(i, length), { priority })
      const wanted = [1, 2, 0, 3].map((i) => digest(pattern(i, length)))
      assert.deepEqual(await peer.call('receive', { count: 4 }), wanted)
      await peer.call('send', { seed: 1, length, priority: 3 })
      assert.equal((await peer.channel.receiveMessage())?.priority, 3)
    },
  },
]
