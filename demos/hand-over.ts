/**
 * A listening socket goes from one process to its successor, and no connection is refused meanwhile:
 *
 *   node hand-over.js listen PATH     listens; on SIGTERM gives the socket to who waits at PATH, and ends
 *   node hand-over.js take PATH       waits at PATH for the socket, then does the same
 *
 * The socket is one open file description, of which both have a descriptor for a moment: whoever connects then waits
 * in its queue, whichever process accepts.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { isIpcError } from 'ipc-playground'
import { openDescriptorReceiver, sendDescriptors } from 'ipc-playground/adapters/socket/descriptors'

const [role, path = ''] = process.argv.slice(2)

/** Node has no public word for it. */
const descriptorOf = (server: Server): number => (server as unknown as { _handle: { fd: number } })._handle.fd

async function taken(): Promise<{ fd: number }> {
  using receiver = await openDescriptorReceiver(path)
  console.log(`process ${process.pid} waits at ${path}`)
  const { descriptors } = await receiver.receive()
  const [fd] = descriptors
  if (fd === undefined) throw new Error('no descriptor came')
  return { fd }
}

const server = createServer((_, response) => response.setHeader('connection', 'close').end(`${process.pid}\n`))
server.listen(role === 'take' ? await taken() : { port: 0, host: '127.0.0.1' })
await once(server, 'listening')
console.log(`process ${process.pid} listens at ${(server.address() as AddressInfo).port}`)

await once(process, 'SIGTERM')
try {
  await sendDescriptors(path, new TextEncoder().encode('listener'), [descriptorOf(server)])
  console.log(`process ${process.pid} gave its socket away`)
} catch (error) {
  if (!isIpcError(error) || error.code !== 'ERR_IPC_NOT_FOUND') throw error
  console.log(`process ${process.pid} has no successor`)
}
server.close()
