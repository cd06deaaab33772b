/** At most two processes work at one time, also when one of them is killed at it. */
import { openSemaphore, spawnPeer } from 'ipc-playground'

const name = `demo-${process.pid}`
using semaphore = await openSemaphore(name, { permits: 2, create: 'exclusive' })
const start = () => spawnPeer(new URL('./worker.js', import.meta.url), { args: [name], killAfter: 0 })

const [first, second] = [await start(), await start()]
await Promise.all([first.channel.receive(), second.channel.receive()])
console.log(`two work; a permit for anybody else: ${semaphore.tryAcquire()}`)

const third = await start()
process.kill(first.pid, 'SIGKILL')
await third.channel.receive()
console.log('the first was killed, and the third works')

await second.channel.send(new Uint8Array())
await second.exited
console.log(`the second is done; a permit for anybody else: ${semaphore.tryAcquire() !== null}`)

for (const worker of [first, second, third]) await worker[Symbol.asyncDispose]()
semaphore.unlink()
