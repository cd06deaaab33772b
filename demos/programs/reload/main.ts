/** A process reloads when it is told by a signal, with a value and by whom. */
import { sendSignal, spawnPeer } from 'ipc-playground'

await using worker = await spawnPeer(new URL('./worker.js', import.meta.url))
await worker.channel.receive() // it takes the signals
sendSignal(worker.pid, 'SIGRTMIN+1', 7)
await worker.channel.receive()
sendSignal(worker.pid, 'SIGHUP')
await worker.channel.receive()
