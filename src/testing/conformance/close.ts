import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import { type Census, isNoMore } from '../operations.js'
import type { Case } from './case.js'
import { connects, named } from './conditions.js'
import { type Context, rejects } from './context.js'
import type { Helper } from './helpers.js'

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

const MOST_CYCLES = 4

/** A channel between two processes, used, and ended by both in the middle of a receive. */
async function meetAndEnd(context: Context, listener: Helper, connector: Helper, how: 'close' | 'destroy'): Promise<void> {
  const address = await listener.call('listen', { adapter: context.adapter.id })
  const accepted = listener.call('accept', { as: 'main' })
  await connector.call('connect', { address })
  await accepted
  const received = listener.call('receive', {})
  await connector.call('send', { seed: 1, length: context.length(0) })
  await received
  for (const helper of [listener, connector]) helper.call('receive', {})
  await Promise.all([connector.call(how, {}), listener.call(how, {})])
  await listener.call('closeServer', {})
}

/** The same between a process and one that it starts. */
async function spawnAndEnd({ adapter, subject }: Context, parent: Helper, how: 'close' | 'destroy'): Promise<void> {
  await parent.call('briefPeer', { adapter: adapter.id, thread: subject.threads, how })
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
    title: 'disposal is closing, which ends what waits: receive rejects, waitReadable says false',
    requires: [connects],
    async run(context) {
      const { channel } = await context.ownPeer()
      const receives = [channel.receive(), channel.receiveInto(new Uint8Array(64))].map((wait) => rejects(wait, 'ERR_IPC_CLOSED'))
      const readable = channel.waitReadable()
      await channel[Symbol.asyncDispose]()
      assert.equal(channel.state, 'closed')
      await Promise.all(receives)
      assert.equal(await readable, false)
    },
  },
  ...(['close', 'destroy'] as const).map(
    (how): Case => ({
      promise: 8,
      title: `after ${how} no descriptor and no thread remains`,
      limit: 20_000,
      requires: [connects],
      async run(context) {
        // Processes that do nothing else, so that what they have is what their channels left.
        const helpers = await Promise.all(named.holds(context.subject) ? [context.helper(), context.helper()] : [context.helper()])
        const cycle = () =>
          helpers[1] === undefined ? spawnAndEnd(context, helpers[0], how) : meetAndEnd(context, helpers[0], helpers[1], how)
        const seen: Census[][] = []
        // What a process has once, such as its epoll descriptor, comes in one cycle; what leaks comes in each.
        for (let cycles = 0; cycles < MOST_CYCLES; cycles++) {
          await cycle()
          const before = seen.at(-1)
          const now = await Promise.all(helpers.map((helper, i) => helper.call('census', { most: before?.[i] })))
          seen.push(now)
          if (before !== undefined && now.every((census, i) => isNoMore(census, before[i]))) return
        }
        assert.fail(`after each of ${MOST_CYCLES} channels there is more: ${JSON.stringify(seen)}`)
      },
    }),
  ),
]
