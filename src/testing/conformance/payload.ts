import assert from 'node:assert/strict'
import { Result } from '../../core/channel.js'
import { fragmented } from '../../layers/fragmented.js'
import { digest, pattern } from '../pattern.js'
import type { Case } from './case.js'
import { connects, fragments, framed, hasSmallest } from './conditions.js'
import { rejects } from './context.js'

const MEBIBYTE = 1024 * 1024

export const payload: Case[] = [
  {
    promise: 6,
    title: 'the largest payload is delivered; one byte more is refused, and nothing of it sent',
    requires: [connects],
    async run(context) {
      const peer = await context.ownPeer(context.subject.framing === 'stream' ? { maxMessageBytes: 10_000 } : {})
      const { max } = peer.channel.capabilities.payload
      assert(Number.isSafeInteger(max), 'the limit is a number')
      if (context.subject.framing === 'stream') assert.equal(max, 10_000)
      assert(max <= 256 * MEBIBYTE, `a limit of ${max} bytes cannot be tried`)
      const tooLarge = new Uint8Array(max + 1)
      await rejects(peer.channel.send(tooLarge), 'ERR_IPC_PAYLOAD_SIZE')
      assert.equal(peer.channel.trySend(tooLarge), Result.PAYLOAD_SIZE)
      if (max <= 4 * MEBIBYTE) await context.exchange(peer, pattern(1, max))
      await context.exchange(peer, context.payload(2))
    },
  },
  {
    promise: 6,
    title: 'less than the smallest payload is refused',
    shared: true,
    requires: [connects, hasSmallest],
    async run(context) {
      const peer = await context.peer()
      const tooSmall = new Uint8Array(context.subject.payload.min - 1)
      await rejects(peer.channel.send(tooSmall), 'ERR_IPC_PAYLOAD_SIZE')
      assert.equal(peer.channel.trySend(tooSmall), Result.PAYLOAD_SIZE)
      await context.exchange(peer, context.payload(1))
    },
  },
  {
    promise: 6,
    title: 'fragmented carries any size',
    shared: true,
    limit: 30_000,
    requires: [connects, fragments],
    async run(context) {
      const peer = await context.peer()
      const channel = fragmented(peer.channel)
      // A word at a time, a mebibyte takes too long for a suite; test/fragmented.test.ts carries one.
      const largest = context.subject.payload.max < 64 ? 16 * 1024 : MEBIBYTE + 1
      for (const size of [0, 1, context.subject.payload.max < 64 ? 5 : 4096, largest]) {
        const echoed = peer.call('echoFragmented', {})
        const data = pattern(size, size)
        const received = channel.receive()
        await channel.send(data)
        const back = await received
        assert(back !== null)
        assert.equal(digest(back), digest(data))
        await echoed
      }
    },
  },
  {
    promise: 12,
    title: 'a message over the receiver’s maxMessageBytes is refused before memory is taken for it',
    requires: [connects, framed],
    async run(context) {
      const { channel, call } = await context.ownPeer({ maxMessageBytes: 1000, raw: true })
      const header = new Uint8Array(4)
      new DataView(header.buffer).setUint32(0, 1001, true)
      await call('write', { base64: Buffer.from(header).toString('base64') })
      await rejects(channel.receive(), 'ERR_IPC_PROTOCOL')
    },
  },
]
