import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { carriesBytes, connects, ends, lossless, sync, zeroCopy } from './conditions.js'
import { codeOf, rejects } from './context.js'

export const facets: Case[] = [
  {
    promise: 9,
    title: 'sync sends and receives while the thread is blocked',
    shared: true,
    requires: [connects, sync],
    async run(context) {
      const { channel, call } = await context.peer()
      const facet = channel.sync
      assert(facet !== undefined)
      const length = context.length(64)
      const echoed = call('echo', { count: 3 })
      // The order must be on its way before this thread blocks.
      await call('ping')
      for (let i = 0; i < 3; i++) {
        facet.send(pattern(i, length), { timeout: 5000 })
        const target: Uint8Array = new Uint8Array(length)
        if (i === 2) assert.equal(facet.receiveInto(target, { timeout: 5000 }), length)
        const back: Uint8Array | null = i === 2 ? target : facet.receive({ timeout: 5000 })
        assert(back !== null)
        assert.equal(digest(back), digest(pattern(i, length)))
      }
      await echoed
    },
  },
  {
    promise: 7,
    title: 'a sync receive is over after its timeout, and not before',
    shared: true,
    requires: [connects, sync],
    async run(context) {
      const { channel } = await context.peer()
      const begin = performance.now()
      assert.throws(() => channel.sync?.receive({ timeout: 30 }), { code: 'ERR_IPC_TIMEOUT' })
      assert(performance.now() - begin >= 28)
      assert.throws(() => channel.sync?.receive({ timeout: -1 }), RangeError)
      const controller = new AbortController()
      const waiting = channel.receive({ signal: controller.signal })
      assert.throws(() => channel.sync?.receive({ timeout: 0 }), { code: 'ERR_IPC_BUSY' })
      controller.abort()
      await assert.rejects(waiting)
    },
  },
  {
    promise: 5,
    title: 'a sync receive gets the end, and a sync send to a full channel does not wait for ever',
    requires: [connects, sync, ends, lossless],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      await call('end', {})
      assert.equal(channel.sync?.receive({ timeout: 5000 }), null)
      const length = context.length(4096)
      if ((await context.fill(channel, length)) < 0) return
      // A frame that the kernel took in part goes first, and nothing but room for it ends that.
      try {
        channel.sync?.send(context.beyondGrowth(0), { timeout: 30 })
        assert(channel.queuedBytes > 0, 'it returned, and all of the message had room in a full channel')
      } catch (error) {
        assert.match(codeOf(error) ?? String(error), /^ERR_IPC_(TIMEOUT|BUSY)$/)
      }
    },
  },
  {
    promise: 9,
    title: 'a claim is sent in place, and a loan read in place',
    shared: true,
    requires: [connects, zeroCopy, carriesBytes],
    async run(context) {
      const { channel, call } = await context.peer()
      const facet = channel.zeroCopy
      assert(facet !== undefined)
      const length = context.length(1000)
      const claim = await facet.claim(length)
      assert.equal(claim.data.length, length)
      claim.data.set(pattern(1, length))
      claim.commit()
      assert.equal(claim.data.length, 0)
      assert.deepEqual(await call('receive', {}), [digest(pattern(1, length))])
      {
        const dropped = await facet.claim(length)
        dropped[Symbol.dispose]()
      }
      const short = await facet.claim(length)
      short.data.set(pattern(2, length))
      short.commit(length - 1)
      assert.deepEqual(await call('receive', {}), [digest(pattern(2, length).subarray(0, length - 1))], 'the dropped claim was sent')
      await call('claim', { seed: 3, length })
      const loan = await facet.borrow()
      assert(loan !== null)
      assert.equal(digest(loan.data), digest(pattern(3, length)))
      loan.release()
      assert.equal(loan.data.length, 0)
    },
  },
  {
    promise: 9,
    title: 'in place without allocation: tryClaim, commit, tryBorrow, release',
    shared: true,
    requires: [connects, zeroCopy, carriesBytes],
    async run(context) {
      const { channel, call } = await context.peer()
      const facet = channel.zeroCopy
      assert(facet !== undefined)
      assert.equal(facet.tryBorrow(), Result.WOULD_BLOCK)
      const length = context.length(100)
      const offset = facet.tryClaim(length)
      assert(offset >= 0)
      assert.equal(facet.tryClaim(length), Result.BUSY)
      facet.memory.set(pattern(1, length), offset)
      facet.commit(length)
      const second = facet.tryClaim(length)
      assert(second >= 0)
      facet.abort()
      await call('echo', {})
      await channel.waitReadable()
      const at = facet.tryBorrow()
      assert(at >= 0)
      assert.equal(facet.tryBorrow(), Result.BUSY)
      assert.equal(digest(facet.memory.slice(at, at + facet.borrowedLength)), digest(pattern(1, length)))
      facet.release()
      facet.release()
      assert.equal(facet.tryBorrow(), Result.WOULD_BLOCK)
    },
  },
  {
    promise: 8,
    title: 'closing takes back what was lent: views have length 0, and nothing more is lent',
    requires: [connects, zeroCopy, carriesBytes],
    async run(context) {
      const { channel, call } = await context.ownPeer()
      const facet = channel.zeroCopy
      assert(facet !== undefined)
      await call('claim', { seed: 3, length: context.length(100) })
      const loan = await facet.borrow()
      assert(loan !== null)
      const lent = loan.data
      await rejects(facet.borrow(), 'ERR_IPC_BUSY')
      channel.destroy()
      assert.equal(lent.length, 0, 'a view into memory that is gone')
      assert.equal(facet.tryClaim(1), Result.CLOSED)
      assert.equal(facet.tryBorrow(), Result.CLOSED)
      loan.release()
    },
  },
]
