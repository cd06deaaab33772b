import assert from 'node:assert/strict'
import { adapterById, adapterByScheme } from '../../core/registry.js'
import type { Case } from './case.js'
import { connects } from './conditions.js'

const oneOf = (value: unknown, ...values: unknown[]) => assert(values.includes(value), `${value} is none of ${values.join(', ')}`)

export const capabilities: Case[] = [
  {
    promise: 1,
    title: 'the capabilities are complete, frozen, and fit the adapter’s parts',
    async run({ adapter }) {
      const facts = adapter.capabilities
      assert(Object.isFrozen(facts) && Object.isFrozen(facts.payload))
      oneOf(facts.framing, 'message', 'stream', 'event')
      oneOf(facts.native, 'duplex', 'simplex')
      oneOf(facts.order, 'fifo', 'priority', 'none')
      oneOf(facts.whenFull, 'block', 'fail', 'coalesce', 'drop')
      oneOf(facts.end, 'kernel', 'ring', 'none')
      oneOf(facts.rendezvous, 'inherit', 'name', 'pid', 'network')
      oneOf(facts.peers, 'one', 'many')
      oneOf(facts.lifetime, 'process', 'kernel', 'filesystem')
      oneOf(facts.asyncWait, 'poll', 'thread')
      const flags = [
        'halfClose',
        'detectsPeerExit',
        'crashSafe',
        'sync',
        'zeroCopy',
        'connects',
        'opens',
        'crossesHosts',
        'priority',
      ] as const
      for (const flag of flags) assert.equal(typeof facts[flag], 'boolean', flag)
      const { min, max } = facts.payload
      assert(Number.isSafeInteger(min) && Number.isSafeInteger(max) && 0 <= min && min <= max)
      if (facts.framing === 'event') assert.equal(max, 0)
      assert(facts.connects || facts.opens, 'it makes channels or opens objects')
      assert.equal(
        facts.connects,
        (adapter.listen !== undefined && adapter.connect !== undefined) ||
          (adapter.offer !== undefined && adapter.join !== undefined) ||
          (adapter.offerThread !== undefined && adapter.joinThread !== undefined),
      )
      assert.equal(facts.opens, adapter.openReceiver !== undefined && adapter.openSender !== undefined)
      assert.equal(facts.rendezvous === 'inherit', adapter.temporary === undefined)
      if (facts.priority) assert.equal(facts.order, 'priority')
    },
  },
  {
    promise: 1,
    title: 'its id and its scheme lead to it',
    async run({ adapter }) {
      assert.equal(await adapterById(adapter.id), adapter)
      assert.equal(await adapterByScheme(adapter.scheme), adapter)
    },
  },
  {
    promise: 1,
    title: 'a channel has its adapter’s capabilities, unchanged by opening, use and closing',
    requires: [connects],
    async run(context) {
      const before = structuredClone(context.adapter.capabilities)
      const { channel } = await context.ownPeer()
      const { payload, ...rest } = channel.capabilities
      const { payload: declared, ...facts } = context.adapter.capabilities
      assert.deepEqual(rest, facts)
      assert(payload.max <= declared.max && payload.min >= declared.min, 'a channel’s limits are within the adapter’s')
      assert(Object.isFrozen(channel.capabilities))
      const during = channel.capabilities
      await channel.send(context.payload(1))
      await channel.close()
      assert.equal(channel.capabilities, during)
      assert.deepEqual(structuredClone(context.adapter.capabilities), before)
    },
  },
  {
    promise: 1,
    title: 'a channel tells who its peer is',
    shared: true,
    requires: [connects],
    async run(context) {
      const peer = await context.peer()
      assert.equal(peer.channel.adapter, context.adapter.id)
      assert.equal(peer.channel.framing, 'message')
      if (context.subject.rendezvous === 'inherit' || peer.channel.peer !== undefined) assert.equal(peer.channel.peer?.pid, peer.pid)
    },
  },
  {
    promise: 1,
    title: 'an adapter that joins processes is started as one, and an adapter that joins threads as a thread',
    shared: true,
    requires: [connects],
    async run(context) {
      const { pid, call } = await context.peer()
      assert.equal(pid === process.pid, context.subject.threads)
      assert.equal(await call('ping'), pid)
    },
  },
]
