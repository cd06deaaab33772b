/** What suites of other libraries assert of a library's own face, of our channels. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { type AdapterId, spawnPeer } from 'ipc-playground'
import { test } from 'vitest'
import { adapterById } from '../../src/core/registry.js'
import { until } from '../../src/stage/actor-process.js'
import { stateOf } from '../../src/stage/kernel.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

async function over(id: AdapterId, title: string, run: () => Promise<void>): Promise<void> {
  const reason = (await adapterById(id)).unavailable()
  test.skipIf(reason !== undefined)(`${title} › ${id}`, run)
}

/** Each of them waits in another system call. */
const WAITING = [
  ...(['fifo/native', 'message-queue/posix', 'message-queue/sysv', 'semaphore/posix', 'semaphore/sysv'] as const),
  ...(['shared-memory/ring', 'signal/realtime', 'socket/unix'] as const),
]
const INTERRUPTIONS = 20

for (const id of WAITING)
  await over(id, 'CPython _test_eintr: a signal that a handler takes ends no call that waits', async () => {
    const peer = await spawnPeer(fixture('interrupted-peer.js'), { adapter: id })
    await peer.channel.receive()
    for (let time = 0; time < INTERRUPTIONS; time++) {
      await until(() => stateOf(peer.pid) === 'S')
      process.kill(peer.pid, 'SIGUSR2')
    }
    const message = new Uint8Array(peer.channel.capabilities.payload.min).fill(7)
    await peer.channel.send(message)
    assert.deepEqual(await peer.channel.receive(), message)
    await peer[Symbol.asyncDispose]()
    assert.deepEqual(await peer.exited, { code: 0, signal: null })
  })

/** As many messages as no channel holds, both ways together: TCP's buffers grow to some megabytes. tcp(7) tcp_rmem */
const FLOODS = [
  { id: 'message-queue/posix', messages: 32 },
  { id: 'pipe/anonymous', messages: 32 },
  { id: 'shared-memory/ring', messages: 32 },
  { id: 'socket/unix', messages: 32 },
  { id: 'socket/node-ipc', messages: 32 },
  { id: 'socket/tcp', messages: 400 },
] as const
const BYTES = 1 << 16

for (const { id, messages } of FLOODS)
  await over(
    id,
    'libuv test-ipc-heavy-traffic-deadlock-bug: both sides send more than the channel holds, and neither waits for ever',
    async () => {
      const peer = await spawnPeer(fixture('echo-child.js'), { adapter: id })
      const message = new Uint8Array(Math.min(BYTES, peer.channel.capabilities.payload.max)).map((_, at) => at)
      const sending = (async () => {
        for (let at = 0; at < messages; at++) await peer.channel.send(message)
      })()
      for (let at = 0; at < messages; at++) {
        const back = await peer.channel.receive()
        assert(back !== null && Buffer.compare(back, message) === 0, `message ${at}`)
      }
      await sending
      await peer.channel.send(new TextEncoder().encode('exit'))
      assert.deepEqual(await peer.exited, { code: 0, signal: null })
      await peer[Symbol.asyncDispose]()
    },
  )
