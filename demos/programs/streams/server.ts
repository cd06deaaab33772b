import { createServer } from 'node:net'

const server = createServer((socket) => {
  socket.once('data', (request) => socket.end(`HTTP/1.0 200 OK\n\nyou asked: ${String(request).split('\r\n')[0]}\n`))
  server.close()
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port))
