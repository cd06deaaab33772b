/** A queue of the kernel keeps messages, by priority, when their sender has long ended. */
import { openReceiver, spawnPeer } from 'ipc-playground'

const name = `/demo-${process.pid}`
const jobs = await openReceiver({ adapter: 'message-queue/posix', name, maxMessages: 10 }, { create: 'if-missing', mode: 0o660 })

// Any program that calls mq_send(3) could be in its place.
const sender = await spawnPeer(new URL('./sender.js', import.meta.url), { args: [name] })
await sender.exited
console.log('the sender has ended')

for (let i = 0; i < 3; i++) {
  const message = await jobs.receiveMessage()
  if (message !== null) console.log(`priority ${message.priority}: ${new TextDecoder().decode(message.data)}`)
}
await jobs.close()
await sender[Symbol.asyncDispose]()
