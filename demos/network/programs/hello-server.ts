/** Serves one client, and ends: hello-server ADDRESS PORT. It ends, too, when its standard input does. */
import { createServer } from 'node:net'

const [address, port] = process.argv.slice(2)
process.stdin.once('end', () => process.exit(1)).resume()

const server = createServer((client) => {
  client.end('hello')
  server.close(() => process.exit())
})
server.listen(Number(port), address)
