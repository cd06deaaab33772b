import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import type { Census } from '../operations.js'
import type { Case } from './case.js'
import { connects } from './conditions.js'
import { type Context, rejects } from './context.js'

/** Every call on a closed channel. */
async function refusesEverything(context: Context, channel: Awaited<ReturnType<Context['ownPeer']>>['channel']): Promise<void> {
  const data = context.payload(1)
  assert.equal(channel.state, 'closed')
  assert.equal(channel.queuedBytes, 0)
  await rejects(channel.send(data), 'ERR_IPC_CLOSED')
  await rejects(channel.receive(), 'ERR_IPC_CLOSED')
  await rejects(channel.receiveMessage(), 'ERR_IPC_CLOSED')
  await rejects(channel.receiveInto(new Uint8Array(64)), 'ERR_IPC_CLOSED')
  await rejects(channel.end(), 'ERR_IPC_CLOSED')
  assert.equal(channel.trySend(data), Result.CLOSED)
  assert.equal(channel.tryReceiveInto(new Uint8Array(64)), Result.CLOSED)
  assert.equal(await channel.waitReadable(), false)
  assert.equal(await channel.waitWritable(), false)
  if (channel.sync !== undefined) {
    const { sync } = channel
    assert.throws(() => sync.send(data), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => sync.receive({ timeout: 0 }), { code: 'ERR_IPC_CLOSED' })
  }
  if (channel.zeroCopy !== undefined) {
    assert.equal(channel.zeroCopy.tryClaim(1), Result.CLOSED)
    assert.equal(channel.zeroCopy.tryBorrow(), Result.CLOSED)
  }
  channel.cork()
  channel.uncork()
  channel.ref()
  channel.unref()
  channel.destroy()
  await channel.close()
}

export const close: Case[] = [
  {
    promise: 8,
    title: 'after close every call says ERR_IPC_CLOSED, and closing again changes nothing',
    requires: [connects],
    async run(context) {
      const { channel } = await context.ownPeer()
      const closing = channel.close()
      assert.equal(channel.close(), closing)
      await closing
      assert.equal(await channel.closed, undefined)
      await refusesEverything(context, channel)
      assert.equal(await channel.closed, undefined)
    },
  },
  {
    promise: 8,
    title: 'after destroy every call says ERR_IPC_CLOSED, and destroying again changes nothing',
    requires: [connects],
    async run(context) {
      const { channel } = await context.ownPeer()
      channel.destroy()
      await refusesEverything(context, channel)
      assert(((await channel.closed) as { code?: string }).code === 'ERR_IPC_CLOSED')
    },
  },
  {
    promise: 8,
    title: 'close ends what waits: receive rejects, waitReadable says false',
    requires: [connects],
    async run(context) {
      const { channel } = await context.ownPeer()
      const receives = [channel.receive(), channel.receiveInto(new Uint8Array(64))].map((wait) => rejects(wait, 'ERR_IPC_CLOSED'))
      const readable = channel.waitReadable()
      await channel.close()
      await Promise.all(receives)
      assert.equal(await readable, false)
    },
  },
  {
    promise: 8,
    title: 'a channel is disposed of by closing it',
    requires: [connects],
    async run(context) {
      const { channel } = await context.ownPeer()
      await channel[Symbol.asyncDispose]()
      assert.equal(channel.state, 'closed')
    },
  },
  ...(['close', 'destroy'] as const).map(
    (how): Case => ({
      promise: 8,
      title: `after ${how} no descriptor and no thread remains`,
      limit: 20_000,
      requires: [connects],
      async run(context) {
        // A process that does nothing else, so that what it has is what its channels left.
        const middle = await context.helper()
        const census = (await middle.call('cycles', {
          adapter: context.adapter.id,
          thread: context.subject.threads,
          how,
        })) as Census[]
        const [first, ...later] = census
        assert(first !== undefined)
        // The first time opens what a process has once: its epoll descriptor, its record of names.
        for (const next of later) {
          assert(next.descriptors <= first.descriptors, `descriptors: ${census.map(({ descriptors }) => descriptors).join(', ')}`)
          assert(next.threads <= first.threads, `threads: ${census.map(({ threads }) => threads).join(', ')}`)
        }
      },
    }),
  ),
]
