/** What is answered with RST, and what its receiver is told. RFC 9293, 3.5.2; RFC 2525, 2.17; socket(7) */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { caller, connection, connects, isIn, PORT, reaches, rowOf, vanishes } from './support/connection.js'

export default defineStory({
  name: 'resets',
  title: 'RST: four ways to break a connection',
  prediction:
    'a closed port refuses (ECONNREFUSED); to close with unread bytes, or with a linger time of 0, resets (ECONNRESET); who sends to one that has closed succeeds once, then fails with EPIPE. None leaves TIME_WAIT',
  citation: 'RFC 9293, 3.5.2 and 3.10.7.1; RFC 1122, 4.2.2.13; RFC 2525, 2.17; socket(7), SO_LINGER; connect(2), send(2)',
  async play(lab) {
    const network = await lab.joined()
    const client = await network.A.actor('client')
    const server = await network.B.actor('server')
    await closedPort(lab, network, client)
    await unreadBytes(lab, network, client, server)
    await lingerZero(lab, network, client, server)
    await closedPeer(lab, network, client, server)
  },
})

async function closedPort(lab: Lab, { A, B }: Network, client: Actor): Promise<void> {
  lab.intend(`1. Nobody listens on port ${PORT}.`)
  const here = await caller(client, A, B)
  lab.expect((await connects(here)) === 'ECONNREFUSED', 'RST answered the SYN: ECONNREFUSED, after one round trip')
  await client.must(call('close', here.fd))
}

async function unreadBytes(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('2. The server closes with bytes that it has not read.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await client.must(call('send', here.fd, 'unread', 0))
  await network.B.tcp.until('the bytes', ({ receiveQueue }) => receiveQueue === 'unread'.length)
  await server.must(call('close', there.fd))
  const { error } = await client.do(call('recv', here.fd, 64, 0))
  lab.expect(error === 'ECONNRESET', 'they will never be read, so the client is told: ECONNRESET, not the end')
  lab.expect(rowOf(here) === undefined && rowOf(there) === undefined, 'no FIN was sent, and nobody is in TIME_WAIT')
  await client.must(call('close', here.fd))
}

async function lingerZero(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('3. The client sets SO_LINGER to 0 seconds, and closes.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await client.must(call('setsockopt', here.fd, K.SOL_SOCKET, K.SO_LINGER, linger(0)))
  await client.must(call('close', here.fd))
  const { error } = await server.do(call('recv', there.fd, 64, 0))
  lab.expect(error === 'ECONNRESET', 'RST in place of FIN: the server reads ECONNRESET')
  lab.expect(rowOf(here) === undefined, 'who closed first is not in TIME_WAIT: late packets of this connection could now meet a new one')
  await server.must(call('close', there.fd))
}

async function closedPeer(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('4. The server has read everything, and closes; the client goes on sending.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await server.must(call('close', there.fd))
  await reaches(there, 'FIN_WAIT2')
  lab.expect(isIn(here, 'CLOSE_WAIT'), 'FIN and ACK: to the client this looks like a half-close')
  const first = await client.do(call('send', here.fd, 'first', K.MSG_NOSIGNAL))
  lab.expect(first.error === undefined, 'so the first send() succeeds: it only means that the kernel has the bytes')
  await vanishes(here)
  const second = await client.do(call('send', here.fd, 'second', K.MSG_NOSIGNAL))
  lab.expect(
    second.error === 'EPIPE',
    'nobody is there: RST came back, and the second send() fails with EPIPE (and SIGPIPE, without MSG_NOSIGNAL)',
  )
  await client.must(call('close', here.fd))
}

/** struct linger: on, and so many seconds. socket(7) */
const linger = (seconds: number): Uint8Array => new Uint8Array(Int32Array.of(1, seconds).buffer)
