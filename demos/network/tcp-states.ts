/** The state machine of TCP: all eleven states, seen in the kernel, and every transition between them. RFC 9293 */

import type { Host } from '../../src/lab/host.js'
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { mayFollow, TCP_STATES, type TcpRow, type TcpState } from '../../src/lab/tcp-state.js'
import { Wire } from '../../src/lab/wire.js'
import { inetAddress, int } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'

const PORT = 7000
const ONE_WAY_MS = 20

export default defineStory({
  name: 'tcp-states',
  title: 'The states of a TCP connection',
  prediction: 'all eleven states are passed, and no transition but those of the diagram',
  citation: 'RFC 9293, figure 5 and sections 3.5, 3.6',
  async play(lab) {
    const network = await lab.joined()
    // Each state is to last for some looks: they come every millisecond or so.
    if (network.link instanceof Wire) network.link.delay = ONE_WAY_MS
    const client = await network.A.actor('client')
    const server = await network.B.actor('server')
    await handshake(lab, network, client, server)
    const closesAtOnce = network.link.backend === 'wire'
    if (closesAtOnce) await simultaneousClose(lab, network, client, server)
    else lab.intend('A gate cannot let two FINs cross: what is sent again acknowledges what came meanwhile. CLOSING is left out.')
    await simultaneousOpen(lab, network, client, server)
    network.A.tcp.look()
    network.B.tcp.look()
    verify(lab, closesAtOnce ? TCP_STATES : TCP_STATES.filter((state) => state !== 'CLOSING'))
  },
})

const connection = (own: string, other: string, state: TcpState) => (row: TcpRow) =>
  row.state === state && row.local.startsWith(own) && row.remote.startsWith(other)

const established = (host: Host, other: Host) => host.tcp.until('ESTABLISHED', connection(host.address, other.address, 'ESTABLISHED'))

/** Bound to the host's address: behind a gate both are addresses of one network. */
async function socketAt(actor: Actor, { address }: Host, port = 0): Promise<number> {
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await actor.must(call('bind', fd, inetAddress(address, port)))
  return fd
}

/** A listener, whose connections close in any order without keeping the port. */
async function listener(server: Actor, address: string): Promise<number> {
  const { result: fd } = await server.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await server.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_REUSEADDR, int(1)))
  await server.must(call('bind', fd, inetAddress(address, PORT)))
  await server.must(call('listen', fd, 8))
  return fd
}

async function handshake(lab: Lab, { A, B, link }: Network, client: Actor, server: Actor): Promise<void> {
  const listening = await listener(server, B.address)
  await B.tcp.until('LISTEN', ({ state }) => state === 'LISTEN')

  lab.intend('The handshake, a packet at a time: SYN is kept on the wire.')
  await link.hold({ from: 'A', flags: ['SYN'] })
  const fd = await socketAt(client, A)
  const connecting = client.begin(call('connect', fd, inetAddress(B.address, PORT)))
  await A.tcp.until('SYN_SENT', connection(A.address, B.address, 'SYN_SENT'))
  lab.expect(!B.tcp.rows.some(connection(B.address, A.address, 'SYN_RECV')), 'the client is in SYN_SENT; the server knows nothing')

  lab.intend('SYN goes on; the ACK that answers SYN ACK is kept.')
  await link.hold({ from: 'A', flags: ['ACK'], notFlags: ['SYN'] })
  await B.tcp.until('SYN_RECV', connection(B.address, A.address, 'SYN_RECV'))
  await established(A, B)
  lab.expect(
    B.tcp.rows.some(connection(B.address, A.address, 'SYN_RECV')),
    'the client is ESTABLISHED while the server is still in SYN_RECV, which is a request without a descriptor',
  )
  await link.release()
  await connecting.outcome
  await established(B, A)
  const { result: accepted } = await server.must(call('accept', listening, 0))

  lab.intend('The client closes first: its FIN is kept.')
  await link.hold({ from: 'A', flags: ['FIN'] })
  await client.must(call('shutdown', fd, K.SHUT_WR))
  await A.tcp.until('FIN_WAIT1', connection(A.address, B.address, 'FIN_WAIT1'))
  lab.expect(B.tcp.rows.some(connection(B.address, A.address, 'ESTABLISHED')), 'FIN_WAIT1 here, still ESTABLISHED there')
  await link.release()
  await A.tcp.until('FIN_WAIT2', connection(A.address, B.address, 'FIN_WAIT2'))
  await B.tcp.until('CLOSE_WAIT', connection(B.address, A.address, 'CLOSE_WAIT'))
  lab.expect(
    (await server.must(call('recv', accepted, 16, 0))).result === 0,
    'FIN_WAIT2 and CLOSE_WAIT: half closed; the server reads the end',
  )

  lab.intend('The server closes too: its FIN is kept.')
  await link.hold({ from: 'B', flags: ['FIN'] })
  await server.must(call('close', accepted))
  await B.tcp.until('LAST_ACK', connection(B.address, A.address, 'LAST_ACK'))
  await link.release()
  const waiting = await A.tcp.until('TIME_WAIT', connection(A.address, B.address, 'TIME_WAIT'))
  lab.expect(waiting.timer === 'time-wait', 'who closed first is in TIME_WAIT, the other is gone')
  await server.must(call('close', listening))
  await client.must(call('close', fd))
}

async function simultaneousClose(lab: Lab, { A, B, link }: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('Both close at once: the FINs cross on the wire.')
  const listening = await listener(server, B.address)
  const fd = await socketAt(client, A)
  await client.must(call('connect', fd, inetAddress(B.address, PORT)))
  const { result: accepted } = await server.must(call('accept', listening, 0))
  await server.must(call('close', listening))
  await link.hold({ flags: ['FIN'] })
  await client.must(call('shutdown', fd, K.SHUT_WR))
  await server.must(call('shutdown', accepted, K.SHUT_WR))
  await A.tcp.until('FIN_WAIT1', connection(A.address, B.address, 'FIN_WAIT1'))
  await B.tcp.until('FIN_WAIT1', connection(B.address, A.address, 'FIN_WAIT1'))
  await link.hold({ flags: ['ACK'], notFlags: ['FIN', 'SYN'] })
  await A.tcp.until('CLOSING', connection(A.address, B.address, 'CLOSING'))
  await B.tcp.until('CLOSING', connection(B.address, A.address, 'CLOSING'))
  lab.expect(true, 'CLOSING at both ends: each has the other’s FIN, and no ACK of its own')
  await link.release()
  for (const [host, other] of [
    [A, B],
    [B, A],
  ] as const)
    await host.tcp.until('TIME_WAIT', connection(host.address, other.address, 'TIME_WAIT'))
  lab.expect(true, 'both closed first, so both wait')
  await client.must(call('close', fd))
  await server.must(call('close', accepted))
}

async function simultaneousOpen(lab: Lab, { A, B, link }: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('Both connect to each other, and nobody listens: the SYNs cross on the wire.')
  const [portA, portB] = [7001, 7002]
  const [fdA, fdB] = [await socketAt(client, A, portA), await socketAt(server, B, portB)]
  await link.hold({ flags: ['SYN'] })
  const first = client.begin(call('connect', fdA, inetAddress(B.address, portB)))
  const second = server.begin(call('connect', fdB, inetAddress(A.address, portA)))
  await A.tcp.until('SYN_SENT', connection(A.address, B.address, 'SYN_SENT'))
  await B.tcp.until('SYN_SENT', connection(B.address, A.address, 'SYN_SENT'))
  await link.hold({ flags: ['ACK'] })
  await A.tcp.until('SYN_RECV', connection(A.address, B.address, 'SYN_RECV'))
  await B.tcp.until('SYN_RECV', connection(B.address, A.address, 'SYN_RECV'))
  lab.expect(true, 'SYN_RECV at both ends')
  await link.release()
  await Promise.all([first.outcome, second.outcome])
  await client.must(call('send', fdA, 'hello', 0))
  lab.expect((await server.must(call('recv', fdB, 16, 0))).text === 'hello', 'one connection, without a listener, that carries bytes')
  await client.must(call('close', fdA))
  await B.tcp.until('CLOSE_WAIT', connection(B.address, A.address, 'CLOSE_WAIT'))
  await server.must(call('close', fdB))
  await B.tcp.gone('LAST_ACK', connection(B.address, A.address, 'LAST_ACK'))
}

/** Holds what was seen against the diagram. */
function verify(lab: Lab, expected: readonly TcpState[]): void {
  const changes = lab.recorder.trace('', '', '').events.flatMap(({ state }) => state ?? [])
  const seen = new Set(changes.map(({ to }) => to))
  const unseen = expected.filter((state) => !seen.has(state))
  lab.expect(unseen.length === 0, unseen.length === 0 ? `${expected.length} states were seen` : `not seen: ${unseen.join(', ')}`)
  const wrong = changes.filter(({ from = 'CLOSE', to }) => !mayFollow(from, to)).map(({ from, to }) => `${from ?? 'CLOSE'} → ${to}`)
  lab.expect(
    wrong.length === 0,
    wrong.length === 0 ? `${changes.length} transitions, each of the diagram` : `not of the diagram: ${wrong.join(', ')}`,
  )
}
