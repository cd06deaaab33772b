/** Node's server of HTTP/1.1. `http1-server.js ADDRESS PORT`; what to answer last, the story says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hear, tell } from './program.js'

const [address, port] = process.argv.slice(2)
const held = new Map<string, () => void>()

const pages: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/length': (_, response) => response.end('hello\n'),
  '/chunked'(_, response) {
    response.write('hello\n')
    response.write('world\n')
    response.end()
  },
  '/upload'(request, response) {
    let length = 0
    request.on('data', (data: Uint8Array) => {
      length += data.length
      tell(`has ${length} bytes of the body`)
    })
    request.on('end', () => response.end(`${length} bytes\n`))
    request.on('error', () => {}) // its connection ended first
  },
  '/slow'(_, response) {
    held.set('/slow', () => response.end('slow\n'))
  },
  '/fast'(_, response) {
    response.end('fast\n')
    tell('has answered /fast')
  },
}

const server = createServer((request, response) => {
  const { method, url = '' } = request
  tell(`${method} ${url}`)
  response.sendDate = false
  const page = pages[url]
  if (page === undefined) response.end(`${url}\n`)
  else page(request, response)
})
server.listen(Number(port), address, () => tell('listens'))
hear<string>((path) => {
  held.get(path)?.()
  tell(`has answered ${path}`)
})
