/** A server that gives each connection a thread, which blocks in read(2). */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { IPPROTO_TCP, native, TCP_NODELAY } from '../../../src/adapters/socket/native.js'
import { DescriptorWatcher, EPOLLIN } from '../../../src/native/loop.js'
import { listening } from './listening.js'
import { listens } from './wire.js'

const program = fileURLToPath(new URL('./blocking-echo.js', import.meta.url))
const descriptor = listening(Number(process.argv[2]))

// A net.Socket cannot be handed to a thread; a descriptor can.
const watcher = new DescriptorWatcher(descriptor, () => {
  for (let accepted = native.socketAccept(descriptor); accepted >= 0; accepted = native.socketAccept(descriptor)) {
    native.socketSetOption(accepted, IPPROTO_TCP, TCP_NODELAY, 1)
    native.fdSetNonblock(accepted, 0)
    const connection = native.fdDisown(accepted)
    new Worker(program, { workerData: connection }).on('error', () => native.fdClose(connection))
  }
})
watcher.want(EPOLLIN)
listens()
