/** What listen() and accept() make: three sockets for one connection, and a program's way to them. listen(2), accept(2) */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { TcpRow } from '../../src/lab/tcp-state.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { accepted, caller, connects, dial, type End, isOf, listener, PORT } from './support/connection.js'
import { traced, untraceable } from './support/system-calls.js'

const TRACED_PORT = 7100
/** A program of Node starts slowly on a busy machine, and more so behind strace. */
const START_MS = 20_000
/** What the story says where no program can be traced. */
export const LEFT_OUT = 'The system calls of a program are left out'

export default defineStory({
  name: 'listen',
  title: 'listen: one connection, three sockets',
  prediction:
    'the kernel completes the handshake before accept(), which only makes a descriptor; each accepted socket has the listener’s own port and outlives it; a server calls socket, bind, listen, accept, a client socket, connect',
  citation: 'listen(2); accept(2); tcp(7); RFC 9293, 3.4 (a connection is defined by a pair of sockets) and 3.5; strace(1)',
  async play(lab) {
    const network = await lab.joined()
    await threeSockets(lab, network, await network.A.actor('client'), await network.B.actor('server'))
    const reason = await untraceable(network.A)
    if (reason === undefined) await steps(lab, network)
    else lab.intend(`${LEFT_OUT}: ${reason}`)
  },
})

async function threeSockets(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  const { A, B } = network
  lab.intend('A server asks for a port.')
  const listening = await listener(server, B)
  const own = await B.tcp.until('LISTEN', ({ state }) => state === 'LISTEN')
  lab.expect(own.remote === '0.0.0.0:0', `one socket, without a peer: ${seen(own)}`)

  lab.intend('A client connects. The server has not called accept().')
  const first = await dial(client, A, B)
  const waiting = await B.tcp.until('the connection', ({ remote, state }) => remote === first.own && state === 'ESTABLISHED')
  const { receiveQueue } = await B.tcp.until('the queue', ({ state, receiveQueue }) => state === 'LISTEN' && receiveQueue > 0)
  lab.expect(waiting.inode === 0, `connect() has succeeded, and the server has ${seen(waiting)}, which belongs to no process yet`)
  lab.expect(receiveQueue === 1, 'it is the one in the listener’s queue: accept() takes from there, and has no part in the handshake')

  lab.intend('The server accepts it.')
  const one = await accepted(server, B, listening)
  const named = await B.tcp.until('an owner', (row) => isOf(one)(row) && row.inode !== 0)
  lab.expect((await inodeOf(one)) === named.inode && named.inode !== own.inode, 'three sockets, two of which are the connection:')
  for (const [what, row] of [
    ['the client’s   ', await A.tcp.until('the client’s', isOf(first))],
    ['the listener   ', own],
    ['the accepted   ', named],
  ] as const)
    lab.stage.observe(`${what} ${seen(row)}`)
  await twoClients(lab, network, { client, server, listening, first, one })
}

interface Scene {
  readonly client: Actor
  readonly server: Actor
  readonly listening: number
  readonly first: End
  readonly one: End
}

async function twoClients(lab: Lab, { A, B }: Network, { client, server, listening, first, one }: Scene): Promise<void> {
  lab.intend('A second client, and then no listener any more.')
  const second = await dial(client, A, B)
  const other = await accepted(server, B, listening)
  lab.expect(
    one.own === other.own && one.own.endsWith(`:${PORT}`) && one.peer === first.own && other.peer === second.own,
    `both accepted sockets are ${one.own}, the listener’s own name; their peers tell them apart`,
  )
  await server.must(call('close', listening))
  await B.tcp.gone('the listener', ({ state }) => state === 'LISTEN')
  await client.must(call('send', second.fd, 'hello', 0))
  lab.expect((await server.must(call('recv', other.fd, 64, 0))).text === 'hello', 'what was accepted goes on without it')
  const error = await connects(await lab.stage.story.hush(() => caller(client, A, B)))
  lab.expect(error === 'ECONNREFUSED', 'a new client is refused')
}

/** `192.0.2.2:7000 → 192.0.2.1:40112 ESTABLISHED` */
const seen = ({ local, remote, state }: TcpRow): string => `${local} → ${remote} ${state}`

/** Of the socket that its descriptor is. proc(5), /proc/PID/fd */
async function inodeOf({ actor, fd }: End): Promise<number> {
  return Number(/\d+/.exec((await actor.must(call('readlink', `/proc/self/fd/${fd}`))).text)?.[0])
}

async function steps(lab: Lab, { A, B }: Network): Promise<void> {
  lab.intend('A server and a client written for Node, with strace before them: what they ask of the kernel.')
  const at = [B.address, String(TRACED_PORT)]
  const server = await traced(lab, B, 'hello-server', at)
  await B.tcp.until('the server', ({ local, state }) => local === at.join(':') && state === 'LISTEN', START_MS)
  const client = await traced(lab, A, 'hello-client', at)
  const [asked, answered] = [await client.calls, await server.calls]
  for (const line of answered) lab.stage.observe(`server ${line}`)
  for (const line of asked) lab.stage.observe(`client ${line}`)
  lab.expect(
    inOrder(answered, ['socket', 'bind', 'listen', 'accept4', 'write']) && inOrder(asked, ['socket', 'connect', 'read']),
    'socket, bind, listen, accept here; socket, connect there',
  )
}

/** Whether these calls were made one after the other, whatever else between them. */
const inOrder = (lines: readonly string[], names: readonly string[]): boolean => {
  let from = 0
  return names.every((name) => {
    from = lines.findIndex((line, at) => at >= from && line.startsWith(`${name}(`)) + 1
    return from > 0
  })
}
