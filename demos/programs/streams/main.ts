/** Bytes without messages, as a stream of Node's: on the other end is a program that knows nothing of this library. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { connect, toDuplex } from 'ipc-playground'

const server = spawn(process.execPath, [fileURLToPath(new URL('./server.js', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] })
const [port] = await once(server.stdout, 'data')

const channel = await connect(`tcp://127.0.0.1:${String(port).trim()}`, { framing: 'stream' })
await channel.send(new TextEncoder().encode('GET /programs HTTP/1.0\r\n\r\n'))
await pipeline(toDuplex(channel), process.stdout)

await once(server, 'exit')
