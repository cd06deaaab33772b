/** The abilities that cases ask for, each from the capabilities, with what must be seen where it is missing. */
import assert from 'node:assert/strict'
import { type Address, Result } from '../../core/channel.js'
import { connect, listen, openReceiver, openSender } from '../../core/rendezvous.js'
import { fragmented } from '../../layers/fragmented.js'
import { digest, pattern } from '../pattern.js'
import type { Condition } from './case.js'
import { pending, rejects } from './context.js'

const anyAddress = (adapter: { id: string; temporary?: unknown }, make: () => Address): Address =>
  adapter.temporary === undefined ? ({ adapter: adapter.id } as Address) : make()

export const connects: Condition = {
  holds: ({ connects }) => connects,
  reason: 'makes no channels',
  async absent(context) {
    await rejects(listen(context.address()), 'ERR_IPC_UNAVAILABLE')
    await rejects(connect(context.address()), 'ERR_IPC_UNAVAILABLE')
    assert(context.subject.opens, 'what makes no channels opens objects')
  },
}

export const named: Condition = {
  holds: ({ connects, rendezvous }) => connects && rendezvous !== 'inherit',
  reason: 'has no name to connect to',
  async absent(context) {
    const address = anyAddress(context.adapter, () => context.address())
    await rejects(listen(address), 'ERR_IPC_UNAVAILABLE')
    await rejects(connect(address), 'ERR_IPC_UNAVAILABLE')
  },
}

export const opens: Condition = {
  holds: ({ opens }) => opens,
  reason: 'has connections only',
  async absent(context) {
    const address = anyAddress(context.adapter, () => context.address())
    await rejects(openReceiver(address), 'ERR_IPC_UNAVAILABLE')
    await rejects(openSender(address), 'ERR_IPC_UNAVAILABLE')
  },
}

/** `capabilities` has a case of its own about which of the two an adapter starts. */
export const processes: Condition = { holds: ({ threads }) => !threads, reason: 'joins threads, which die with their process' }

export const framed: Condition = {
  holds: ({ framing }) => framing === 'stream',
  reason: 'keeps message boundaries by itself',
  async absent(context) {
    await assert.rejects(context.spawnedPeer({ framing: 'stream' }), TypeError)
  },
}

export const ends: Condition = {
  holds: ({ end }) => end !== 'none',
  reason: 'cannot tell that nothing more will come',
  async absent(context) {
    const { channel, call } = await context.ownPeer()
    await call('send', { seed: 0, length: context.length(64) })
    assert.notEqual(await channel.receive(), null)
    await call('end', {})
    const controller = new AbortController()
    const received = channel.receive({ signal: controller.signal })
    assert(await pending(received), 'without an end, receive waits')
    controller.abort(new Error('enough'))
    await assert.rejects(received, /enough/)
  },
}

export const opensWithEnd: Condition = {
  holds: ends.holds,
  reason: ends.reason,
  async absent(context) {
    const address = await context.unheard()
    const receiver = context.own(await openReceiver(address, { create: 'if-missing' }))
    const helper = await context.helper()
    await helper.call('openSender', { address: context.url(address) })
    await helper.call('send', { seed: 1, length: context.length(16) })
    assert.notEqual(await receiver.receive(), null)
    await helper.call('close', {})
    const received = receiver.receive()
    received.catch(() => {})
    assert(await pending(received), 'without an end, receive waits')
  },
}

export const halfClose: Condition = {
  holds: ({ halfClose }) => halfClose,
  reason: 'closes both directions at once',
  async absent(context) {
    const { channel } = await context.ownPeer()
    await channel.end()
    await rejects(channel.send(context.payload(1)), 'ERR_IPC_CLOSED')
  },
}

/** Dropped or coalesced: what arrives was sent, at most as often, and at least once. */
export const lossless: Condition = {
  holds: ({ whenFull }) => whenFull !== 'drop' && whenFull !== 'coalesce',
  reason: 'drops or coalesces by nature',
  async absent(context) {
    const peer = await context.ownPeer()
    const length = context.length(256)
    const sent = new Set<string>()
    // While it is stopped it takes none out of the kernel.
    const thaw = context.subject.threads ? () => {} : await context.freeze(peer.pid)
    for (let i = 0; i < 50; i++) {
      const data = pattern(i, length)
      if (peer.channel.trySend(data) >= 0) sent.add(digest(data))
    }
    thaw()
    const got = await peer.call('drain', { settle: 200 })
    assert(got.length >= 1, 'all of 50 were lost')
    assert(got.length <= 50, `${got.length} arrived of 50`)
    for (const message of got) assert(sent.has(message), 'a message that was not sent')
    if (context.subject.whenFull === 'coalesce') assert(got.length < 50, 'nothing was coalesced')
  },
}

export const counts: Condition = { ...lossless, holds: ({ whenFull }) => whenFull !== 'coalesce', reason: 'coalesces by nature' }
/** For objects that are opened: their cases bring their own peers. */
export const keeps: Condition = {
  holds: lossless.holds,
  reason: lossless.reason,
  async absent(context) {
    const address = await context.unheard()
    const receiver = context.own(await openReceiver(address, { create: 'if-missing' }))
    const sender = context.own(await openSender(address))
    const length = context.length(64)
    for (let i = 0; i < 5; i++) await sender.send(pattern(i, length))
    const sent = new Set(Array.from({ length: 5 }, (_, i) => digest(pattern(i, length))))
    const message = await receiver.receive()
    assert(message !== null && sent.has(digest(message)), 'a message that was not sent')
  },
}

export const ordered: Condition = {
  holds: ({ order }) => order !== 'none',
  reason: 'keeps no order',
  async absent(context) {
    // Without an order, still nothing arrives that was not sent.
    const peer = await context.ownPeer()
    const length = context.length(48)
    for (let i = 0; i < 4; i++) await peer.channel.send(pattern(i, length))
    const sent = new Set(Array.from({ length: 4 }, (_, i) => digest(pattern(i, length))))
    const got = await peer.call('drain', { settle: 100 })
    assert(got.length >= 1 && got.length <= 4)
    for (const message of got) assert(sent.has(message), 'a message that was not sent')
  },
}

const refusesMore: Pick<Condition, 'absent'> = {
  async absent(context) {
    const { channel } = await context.peer()
    const tooMuch = new Uint8Array(context.subject.payload.max + 1)
    await rejects(channel.send(tooMuch), 'ERR_IPC_PAYLOAD_SIZE')
    assert.equal(channel.trySend(tooMuch), Result.PAYLOAD_SIZE)
  },
}

export const carriesBytes: Condition = { holds: ({ payload }) => payload.max > 0, reason: 'carries no bytes', ...refusesMore }
export const carriesWords: Condition = { holds: ({ payload }) => payload.max >= 4, reason: 'carries less than a word', ...refusesMore }

export const fragments: Condition = {
  holds: (subject) => lossless.holds(subject) && ordered.holds(subject) && carriesWords.holds(subject),
  reason: 'cannot carry every part of a message in order',
  async absent(context) {
    const { channel } = await context.peer()
    assert.throws(() => fragmented(channel), TypeError)
  },
}

export const carriesNothing: Condition = {
  holds: ({ payload }) => payload.min === 0,
  reason: 'a message has bytes',
  async absent(context) {
    const { channel } = await context.peer()
    await rejects(channel.send(new Uint8Array(0)), 'ERR_IPC_PAYLOAD_SIZE')
    assert.equal(channel.trySend(new Uint8Array(0)), Result.PAYLOAD_SIZE)
  },
}

export const hasSmallest: Condition = {
  holds: ({ payload }) => payload.min > 0,
  reason: 'has no smallest payload',
  async absent(context) {
    await context.exchange(await context.peer(), new Uint8Array(0))
  },
}

export const priorities: Condition = {
  holds: ({ priority }) => priority,
  reason: 'has no priorities',
  async absent(context) {
    const { channel } = await context.peer()
    await assert.rejects(channel.send(context.payload(1), { priority: 1 }), TypeError)
    assert.throws(() => channel.trySend(context.payload(1), 1), TypeError)
  },
}

export const sync: Condition = {
  holds: ({ sync }) => sync,
  reason: 'has no blocking calls',
  async absent(context) {
    assert.equal((await context.peer()).channel.sync, undefined)
  },
}

export const zeroCopy: Condition = {
  holds: ({ zeroCopy }) => zeroCopy,
  reason: 'does not lend its memory',
  async absent(context) {
    assert.equal((await context.peer()).channel.zeroCopy, undefined)
  },
}

export const detectsPeerExit: Condition = {
  holds: ({ detectsPeerExit }) => detectsPeerExit,
  reason: 'does not tell that the peer is gone',
  async absent(context) {
    if (!named.holds(context.subject)) return
    const { helper, channel } = await context.meet()
    const received = channel.receive()
    received.catch(() => {})
    await context.kill(helper)
    assert(await pending(received), 'nothing tells, so receive waits')
  },
}

export const manyPeers: Condition = {
  holds: ({ peers }) => peers === 'many',
  reason: 'serves one peer',
  async absent(context) {
    if (!named.holds(context.subject)) return
    const { server } = await context.meet()
    const { done } = await server[Symbol.asyncIterator]().next()
    assert.equal(done, true, 'the server ends after its one peer')
    await rejects(connect(server.address, { timeout: 5000 }), 'ERR_IPC_BUSY', 'ERR_IPC_NOT_FOUND')
  },
}

export const makesNames: Condition = {
  holds: ({ rendezvous }) => rendezvous === 'name',
  reason: 'makes no names of its own',
  async absent(context) {
    if (!named.holds(context.subject)) return
    const first = await listen(context.address())
    const { address } = first
    await first.close()
    const again = await listen(address)
    await again.close()
  },
}

export const manyEnds: Condition = {
  holds: ({ rendezvous }) => rendezvous !== 'pid',
  reason: 'has one end a process',
  async absent(context) {
    await context.listen(context.address())
    await rejects(listen(context.address()), 'ERR_IPC_BUSY', 'ERR_IPC_EXISTS')
  },
}

export const crashSafe: Condition = { holds: ({ crashSafe }) => crashSafe, reason: 'a peer that is killed may leave it unusable' }
