/**
 * Node's server of HTTP/2 without TLS. `http2-server.js ADDRESS PORT`; it tells each request, and answers those that the
 * story names, all at once: `/BYTES/NAME` with so many bytes.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { hear, tell } from './program.js'

const [address, port] = process.argv.slice(2)
const asked = new Map<string, ServerHttp2Stream>()

const server = createServer()
server.on('stream', (stream, { ':path': path = '' }) => {
  asked.set(path, stream)
  tell(`GET ${path} on stream ${stream.id}`)
})
server.listen(Number(port), address, () => tell('listens'))

hear<readonly string[]>((paths) => {
  for (const path of paths) {
    const [, bytes] = path.split('/')
    asked.get(path)?.respond({ ':status': 200 })
    asked.get(path)?.end(new Uint8Array(Number(bytes)))
  }
})
