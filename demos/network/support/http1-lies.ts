/** Messages of HTTP/1.1 that lie about where they end, and what Node makes of them. RFC 9112, 6.3, 8 and 11.2 */
import type { Lab, Network } from '../../../src/lab/lab.js'
import { bound, inetAddress } from '../../../src/matrix/subjects/sockets.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import type { Scene } from '../http1.js'
import { start, tells } from './programs.js'
import { RawHttp } from './raw-http.js'

const PORT = 8081
const HOST = 'Host: lab'
const EMPTY = ''
const REFUSED = 'HTTP/1.1 400 Bad Request'

export async function lyingClient(scene: Scene): Promise<void> {
  await lengthTooShort(scene)
  await lengthTooLong(scene)
  await both(scene)
}

async function lengthTooShort({ lab, server, connect }: Scene): Promise<void> {
  lab.intend('A Content-Length that is too short: what is left of the body is read as a request. So requests are smuggled past a proxy.')
  const connection = await connect()
  await connection.send('POST /upload HTTP/1.1', HOST, 'Content-Length: 3', EMPTY, 'abcGET /admin HTTP/1.1', HOST, EMPTY, EMPTY)
  await tells(server, 'POST /upload', 'has 3 bytes of the body', 'GET /admin')
  const answers = await connection.receive('/admin\n')
  lab.expect(answers.split('HTTP/1.1 200 OK').length === 3, 'one request was meant, two were answered')
  lab.intend('The same with a body that is no request.')
  await connection.send('POST /upload HTTP/1.1', HOST, 'Content-Length: 3', EMPTY, 'hello')
  await tells(server, 'POST /upload', 'has 3 bytes of the body')
  lab.expect((await connection.receive()).startsWith(REFUSED), '“lo” begins no request: 400, and the connection is closed')
  await connection.close()
}

async function lengthTooLong({ lab, server, connect }: Scene): Promise<void> {
  lab.intend('A Content-Length that is too long: the server waits for bytes that nobody sends.')
  const connection = await connect()
  await connection.send('POST /upload HTTP/1.1', HOST, 'Content-Length: 10', EMPTY, 'hello')
  await tells(server, 'POST /upload', 'has 5 bytes of the body')
  await connection.finish()
  const answer = await connection.receive()
  lab.expect(
    answer.startsWith(REFUSED) && !answer.includes('200 OK'),
    'it had 5 of 10 when the client’s FIN came: an incomplete request, 400',
  )
  await connection.close()
}

async function both({ lab, connect }: Scene): Promise<void> {
  lab.intend('Content-Length and chunks: who believes the one and who believes the other see different requests.')
  const connection = await connect()
  await connection.send(
    'POST /upload HTTP/1.1',
    HOST,
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    EMPTY,
    '5',
    'hello',
    '0',
    EMPTY,
    EMPTY,
  )
  lab.expect((await connection.receive()).startsWith(REFUSED), 'Node’s server refuses it, and hands it to no program')
  await connection.close()
}

/** A server by hand, and Node's client. */
export async function lyingServer(lab: Lab, { A, B }: Network): Promise<void> {
  const server = await B.actor('lying server')
  const { fd: listening } = await bound(server, K.AF_INET, K.SOCK_STREAM, inetAddress(B.address, PORT))
  await server.must(call('listen', listening, 8))
  const lies = [
    { header: 'Content-Length: 3', body: 'hello', says: '"hel", complete', seen: 'too short: cut off, and taken for whole' },
    {
      header: 'Content-Length: 10',
      body: 'hello',
      says: '"hello", incomplete',
      seen: 'too long: the end of the connection comes first, and the client does know',
    },
    {
      header: 'Content-Length: 3\r\nTransfer-Encoding: chunked',
      body: '5\r\nhello\r\n0\r\n\r\n',
      says: 'HPE_INVALID_TRANSFER_ENCODING',
      seen: 'both: refused, as by the server',
    },
  ]
  lab.intend('Now the server lies, and Node’s client reads.')
  for (const { header, body, says, seen } of lies) {
    const client = await start(lab, A, 'client', 'http1-client', B.address, PORT)
    const connection = await RawHttp.accept(lab, server, listening)
    await connection.receive('\r\n\r\n')
    await connection.send('HTTP/1.1 200 OK', header, EMPTY, body)
    await connection.close()
    await tells(client, says)
    lab.expect(true, seen)
  }
}
