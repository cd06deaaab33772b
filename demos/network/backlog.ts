/** More clients than a listener has room for. listen(2), tcp(7) */
import { readFileSync } from 'node:fs'
import type { Host } from '../../src/lab/host.js'
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { accepted, caller, connects, dial, type End, isIn, isOf, listener } from './support/connection.js'

const BACKLOG = 2
const CLIENTS = 6
/** The kernel refuses when the queue is longer than the backlog, so there is room for one more. */
const ROOM = BACKLOG + 1

export default defineStory({
  name: 'backlog',
  title: 'The backlog: a queue that is full',
  prediction: `listen(${BACKLOG}) takes ${ROOM} of ${CLIENTS} clients; the SYN of the others is dropped without a word and sent again a second later; at the last ACK a full queue makes a client that believes itself connected wait, or resets it, where tcp_abort_on_overflow says so`,
  citation: 'listen(2); tcp(7), tcp_abort_on_overflow; ip-sysctl.rst; RFC 6298, 2.1 (the first timeout is 1 s); RFC 9293, 3.10.7',
  async play(lab) {
    const network = await lab.joined()
    const clients = await network.A.actor('clients')
    const server = await network.B.actor('server')
    await full(lab, network, clients, server)
    await lastAck(lab, network, clients, server)
    await abort(lab, network, clients, server)
  },
})

async function full(lab: Lab, { A, B }: Network, clients: Actor, server: Actor): Promise<void> {
  lab.intend(`A server that calls listen(${BACKLOG}) and does not accept. ${CLIENTS} clients connect, without waiting for it.`)
  const listening = await listener(server, B, { backlog: BACKLOG })
  B.tcp.follow('accept queue', (row) => (row.state === 'LISTEN' ? row.receiveQueue : undefined))
  const overflows = overflowsOf(B)
  const callers: End[] = []
  for (let at = 0; at < CLIENTS; at++) {
    const one = await lab.stage.story.hush(() => caller(clients, A, B, { waits: false }))
    await connects(one)
    callers.push(one)
    if (at < ROOM) await B.tcp.until('it in the queue', (row) => row.state === 'LISTEN' && row.receiveQueue === at + 1)
  }
  await B.tcp.until('the overflows', () => overflowsOf(B) - overflows >= CLIENTS - ROOM)
  const [inside, outside] = [callers.slice(0, ROOM), callers.slice(ROOM)]
  lab.expect(
    inside.every((one) => isIn(one, 'ESTABLISHED')) && outside.every((one) => isIn(one, 'SYN_SENT')),
    `${ROOM} are ESTABLISHED, backlog + 1, though nobody accepted them; ${outside.length} are in SYN_SENT`,
  )
  lab.expect(
    true,
    `TcpExt ListenOverflows grew by ${overflowsOf(B) - overflows}; no RST was sent: a client cannot tell this from a slow network`,
  )

  lab.intend('The server accepts one: there is room for one.')
  await server.must(call('accept', listening, 0))
  const taken = ({ own }: End) => B.tcp.rows.some(({ remote, state }) => remote === own && state === 'ESTABLISHED')
  await B.tcp.until('one more', () => outside.filter(taken).length === 1)
  const { receiveQueue } = await B.tcp.until('the queue', ({ state }) => state === 'LISTEN')
  lab.expect(receiveQueue === ROOM, 'when the SYNs were sent again, after 1 s, one was taken, and the queue is full again')
  await server.must(call('close', listening))
}

/** A listener with room for one, and two clients in the last step of their handshake: their ACKs are kept back. */
const twoForOnePlace = (lab: Lab, { A, B, link }: Network, clients: Actor, server: Actor, port: number) =>
  lab.stage.story.hush(async () => {
    const listening = await listener(server, B, { port, backlog: 1 })
    await dial(clients, A, B, port)
    await B.tcp.until('the first in the queue', (row) => row.state === 'LISTEN' && row.receiveQueue === 1)
    await link.hold({ from: 'A', flags: ['ACK'], notFlags: ['SYN'], destinationPort: port })
    const rivals = [await dial(clients, A, B, port), await dial(clients, A, B, port)]
    for (const { own } of rivals) await B.tcp.until('SYN_RECV', ({ remote, state }) => remote === own && state === 'SYN_RECV')
    return { listening, rivals }
  })

async function lastAck(lab: Lab, network: Network, clients: Actor, server: Actor): Promise<void> {
  const { B, link } = network
  lab.intend('A listener with room for one, and two clients in the last step of the handshake: both their ACKs are kept back, then go on.')
  const { listening, rivals } = await twoForOnePlace(lab, network, clients, server, 7001)
  const overflows = overflowsOf(B)
  await link.release()
  await B.tcp.until('the overflow', () => overflowsOf(B) > overflows)
  B.tcp.look()
  const late = rivals.find(({ own }) => B.tcp.rows.some(({ remote, state }) => remote === own && state === 'SYN_RECV'))
  if (late === undefined) throw new Error('the overflow was of neither')
  lab.expect(
    isIn(late, 'ESTABLISHED'),
    `${late.own} is ESTABLISHED; to the server it is still in SYN_RECV: its ACK was dropped, the queue was full`,
  )
  await clients.must(call('send', late.fd, 'hello', 0))
  lab.stage.observe('it even sends, to a server that does not have it')

  lab.intend('The server accepts one.')
  await server.must(call('accept', listening, 0))
  await B.tcp.until('the late one', ({ remote, state }) => remote === late.own && state === 'ESTABLISHED')
  await server.must(call('accept', listening, 0))
  const there = await lab.stage.story.hush(() => accepted(server, B, listening))
  const { text } = await server.must(call('recv', there.fd, 64, 0))
  lab.expect(there.peer === late.own && text === 'hello', 'what was sent again completes the handshake, and nothing was lost but time')
  await server.must(call('close', listening))
}

async function abort(lab: Lab, network: Network, clients: Actor, server: Actor): Promise<void> {
  lab.intend('The same once more, with a server that would rather say so.')
  await network.B.sysctl('net.ipv4.tcp_abort_on_overflow', 1)
  lab.stage.observe('net.ipv4.tcp_abort_on_overflow of its host is 1')
  const { rivals } = await twoForOnePlace(lab, network, clients, server, 7002)
  await network.link.release()
  const alive = () => rivals.filter((one) => network.A.tcp.rows.some(isOf(one)))
  await network.A.tcp.until('the reset', () => alive().length === 1)
  const late = rivals.find((one) => !alive().includes(one))
  const { error } = await clients.do(call('recv', late?.fd ?? -1, 64, 0))
  lab.expect(error === 'ECONNRESET', 'the late one is reset: ECONNRESET, from a connect() that had succeeded')
}

/** How often a connection found the accept queue of this host's listeners full. proc(5), /proc/net/netstat */
function overflowsOf({ pid }: Host): number {
  const [names = [], values = []] = readFileSync(`/proc/${pid}/net/netstat`, 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf('ListenOverflows')])
}
