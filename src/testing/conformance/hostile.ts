import assert from 'node:assert/strict'
import { pattern } from '../pattern.js'
import type { Case } from './case.js'
import { connects, framed } from './conditions.js'
import { codeOf, rejects } from './context.js'

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const header = (length: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, length, true)
  return bytes
}

export const hostile: Case[] = [
  {
    promise: 12,
    title: 'a length of 4 GiB is an error, and takes no memory',
    requires: [connects, framed],
    async run(context) {
      const { channel, call } = await context.ownPeer({ raw: true })
      const before = process.memoryUsage.rss()
      await call('write', { base64: base64(header(2 ** 32 - 1)) })
      await rejects(channel.receive(), 'ERR_IPC_PROTOCOL')
      await rejects(channel.receive(), 'ERR_IPC_PROTOCOL')
      assert(process.memoryUsage.rss() - before < 256 * 1024 * 1024, 'memory was taken')
      await channel.close()
    },
  },
  {
    promise: 12,
    title: 'a large length that is allowed takes memory only for what arrives',
    requires: [connects, framed],
    async run(context) {
      const { channel, call } = await context.ownPeer({ raw: true })
      const before = process.memoryUsage().arrayBuffers
      await call('write', { base64: base64(header(60 * 1024 * 1024)) })
      await call('write', { base64: base64(pattern(1, 100)) })
      assert(await channel.waitReadable())
      assert.equal(channel.tryReceiveInto(new Uint8Array(8)), -1)
      assert(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024, 'memory was taken for what is not there')
    },
  },
  {
    promise: 12,
    title: 'a stream cut in the middle, of a header and of a message, is an error and no message',
    requires: [connects, framed],
    async run(context) {
      // One peer for each cut, since a cut ends its channel; test/framing.test.ts cuts at every byte.
      const frame = new Uint8Array([...header(6), 1, 2, 3, 4, 5, 6])
      for (const at of [2, 9]) {
        const peer = await context.ownPeer({ raw: true })
        await peer.call('write', { base64: base64(frame) })
        await peer.call('write', { base64: base64(frame.subarray(0, at)) })
        await peer.call('close', {})
        assert.equal((await peer.channel.receive())?.length, 6)
        await rejects(peer.channel.receive(), 'ERR_IPC_PEER_GONE')
      }
    },
  },
  {
    promise: 12,
    title: 'random bytes yield messages or an error, and never a crash or a hang',
    requires: [connects, framed],
    async run(context) {
      const { channel, call } = await context.ownPeer({ raw: true })
      call('write', { base64: base64(pattern(Date.now() & 0xffff, 20_000)) })
        .then(() => call('close', {}))
        .catch(() => {})
      try {
        for await (const message of channel) assert(message.length <= 20_000)
      } catch (error) {
        assert.match(String(codeOf(error)), /ERR_IPC_(PROTOCOL|PEER_GONE)/)
      }
    },
  },
  {
    promise: 12,
    title: 'framing: stream takes the bytes as they are, where the mechanism is a stream',
    requires: [connects, framed],
    async run(context) {
      const peer = await context.ownPeer({ framing: 'stream' })
      const channel = peer.channel
      const data = pattern(3, 300_000)
      await peer.call('write', { base64: base64(new Uint8Array([1, 2, 3])) })
      assert.deepEqual([...((await channel.receive()) ?? [])], [1, 2, 3])
      const sent = channel.send(data)
      let seen = 0
      const echoed = peer.call('echo', { count: 1 })
      const back = await channel.receive()
      assert(back !== null && back.length > 0)
      assert.deepEqual(back.subarray(0, 4), data.subarray(0, 4))
      seen += back.length
      assert(seen <= data.length)
      channel.destroy()
      await sent.catch(() => {})
      await echoed.catch(() => {})
    },
  },
]
