/** A parent asks its child, over shared memory. */
import { requester, spawnPeer } from 'ipc-playground'

await using peer = await spawnPeer(new URL('./worker.js', import.meta.url), { adapter: 'shared-memory/ring' })
const ask = requester(peer.channel)
const answer = await ask(new TextEncoder().encode('hi'), { timeout: 10_000 })
console.log(`the child answered: ${new TextDecoder().decode(answer)}`)

// The answer is memory of its own, which goes anywhere.
const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', answer))
console.log(`SHA-256: ${Buffer.from(digest).toString('hex')}`)
console.log(`as a Blob: ${new Blob([answer]).size} bytes`)
