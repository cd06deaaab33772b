/** One process takes in what eight send, each in its turn. */
import { merge, spawnPeer } from 'ipc-playground'

const peers = await Promise.all(Array.from({ length: 8 }, () => spawnPeer(new URL('./worker.js', import.meta.url))))
const received = new Map<number | undefined, number>()
for await (const [from, data] of merge(peers.map((peer) => peer.channel))) {
  const pid = from.peer?.pid
  received.set(pid, (received.get(pid) ?? 0) + data.length)
}
for (const [i, { pid }] of peers.entries()) console.log(`process ${i + 1} sent ${received.get(pid)} bytes`)
for (const peer of peers) await peer[Symbol.asyncDispose]()
