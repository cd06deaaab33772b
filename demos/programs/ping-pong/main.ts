/** A loop that allocates nothing sends back each message: what is there at once, then it waits. */
import { spawnPeer } from 'ipc-playground'

const MESSAGES = 10_000

const peer = await spawnPeer(new URL('./pong.js', import.meta.url), { adapter: 'shared-memory/ring' })
const { channel } = peer
const ping = async () => {
  for (let i = 0; i < MESSAGES; i++) await channel.send(new Uint8Array(Uint32Array.of(i).buffer))
  await channel.end()
}
const sent = ping()
let inOrder = 0
for await (const data of channel) if (new Uint32Array(data.buffer)[0] === inOrder) inOrder++
await sent
console.log(`${inOrder} messages came back, in order`)
await peer[Symbol.asyncDispose]()
