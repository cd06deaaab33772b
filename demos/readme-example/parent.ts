import { spawnPeer } from 'ipc-playground'

// Another adapter is another word here: 'pipe/anonymous', 'shared-memory/ring', 'message-queue/posix', …
const adapter = 'socket/unix'

const peer = await spawnPeer(new URL('./worker.js', import.meta.url), { adapter })
try {
  await peer.channel.send(new TextEncoder().encode('hello'))
  const answer = await peer.channel.receive({ timeout: 5000 })
  console.log(`${peer.pid} answered: ${answer === null ? 'nothing' : new TextDecoder().decode(answer)}`)
} finally {
  await peer[Symbol.asyncDispose]() // closes the channel, waits for the process to end
}
