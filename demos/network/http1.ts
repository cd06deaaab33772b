/** HTTP/1.1: how a receiver knows where a message ends, and what comes of it when it is told wrong. RFC 9112 */
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { NodeProcess } from '../../src/stage/node-process.js'
import { lyingClient, lyingServer } from './support/http1-lies.js'
import { start, tells } from './support/programs.js'
import { RawHttp } from './support/raw-http.js'

const PORT = 8080
const HOST = 'Host: lab'
const [CHUNKED, EMPTY] = ['Transfer-Encoding: chunked', '']

/** What the scenes with Node's server have in common. */
export interface Scene {
  readonly lab: Lab
  readonly server: NodeProcess
  connect(): Promise<RawHttp>
}

export default defineStory({
  name: 'http1',
  title: 'Where an HTTP/1.1 message ends',
  prediction:
    'a length or chunks tell where a message ends, so a connection serves one request after the other, in their order; a length that lies makes a request of a body, or waits for ever; length and chunks together are refused',
  citation: 'RFC 9112, 6.1 to 6.3, 7.1, 8, 9.3 and 11.2',
  async play(lab) {
    const network = await lab.joined()
    const client = await network.A.actor('client')
    const server = await start(lab, network.B, 'server', 'http1-server', network.B.address, PORT)
    await tells(server, 'listens')
    const scene = { lab, server, connect: () => RawHttp.connect(lab, client, network.B.address, PORT) }
    await lengthAndChunks(scene)
    await headOfLine(scene)
    await lyingClient(scene)
    await lyingServer(lab, network)
  },
})

async function lengthAndChunks({ lab, server, connect }: Scene): Promise<void> {
  lab.intend('Content-Length: the answer ends behind so many bytes, and the connection is ready for the next request.')
  const connection = await connect()
  await connection.send('GET /length HTTP/1.1', HOST, EMPTY, EMPTY)
  await tells(server, 'GET /length')
  const counted = await connection.receive('hello\n')
  lab.expect(
    counted.includes('Content-Length: 6\r\n') && counted.endsWith('\r\n\r\nhello\n'),
    'six bytes behind the empty line, as the header says',
  )
  lab.intend('Chunks: the server writes before it knows how much there will be. Each has its length before it, in hexadecimal.')
  await connection.send('GET /chunked HTTP/1.1', HOST, EMPTY, EMPTY)
  await tells(server, 'GET /chunked')
  const chunked = await connection.receive('0\r\n\r\n')
  lab.expect(
    chunked.includes(`${CHUNKED}\r\n`) &&
      !chunked.includes('Content-Length') &&
      chunked.endsWith('\r\n\r\n6\r\nhello\n\r\n6\r\nworld\n\r\n0\r\n\r\n'),
    'two chunks of 6, and one of 0, which is the end; the same connection carried both answers',
  )
  await connection.close()
}

async function headOfLine({ lab, server, connect }: Scene): Promise<void> {
  lab.intend('Head-of-line blocking: two requests are sent at once, and the server is slow with the first.')
  const connection = await connect()
  await connection.send('GET /slow HTTP/1.1', HOST, EMPTY, 'GET /fast HTTP/1.1', HOST, EMPTY, EMPTY)
  await tells(server, 'GET /slow', 'GET /fast', 'has answered /fast')
  server.ask('/slow')
  await tells(server, 'has answered /slow')
  const answers = await connection.receive('fast\n')
  const [slow, fast] = [answers.indexOf('slow\n'), answers.indexOf('fast\n')]
  lab.expect(
    0 < slow && slow < fast,
    '/fast was answered first, and comes second: nothing in HTTP/1.1 says whose an answer is but its place',
  )
  await connection.close()
}
