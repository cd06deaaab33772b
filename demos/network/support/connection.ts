/** TCP connections between the hosts of a story, and how their ends are seen. */
import type { Host } from '../../../src/lab/host.js'
import type { Lab, Network } from '../../../src/lab/lab.js'
import type { TcpRow, TcpState } from '../../../src/lab/tcp-state.js'
import { inetAddress, int } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { describeAddress } from '../../../src/stage/address.js'
import { type Constant, call } from '../../../src/stage/call.js'
import { either, K } from '../../../src/stage/constants.js'

export const PORT = 7000

/** What is said of a socket before it is used. */
export interface SocketOptions {
  readonly port?: number
  readonly backlog?: number
  /** Those of SOL_SOCKET that are set to 1. */
  readonly options?: readonly Constant[]
}

/** As far as it goes: the descriptor, and the error of the call that failed. */
export async function tryToListen(actor: Actor, { address }: Host, { port = PORT, backlog = 8, options = [] }: SocketOptions = {}) {
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  for (const option of options) await actor.must(call('setsockopt', fd, K.SOL_SOCKET, option, int(1)))
  const bound = await actor.do(call('bind', fd, inetAddress(address, port)))
  const { error } = bound.error === undefined ? await actor.do(call('listen', fd, backlog)) : bound
  return { fd, error }
}

export async function listener(actor: Actor, host: Host, options?: SocketOptions): Promise<number> {
  const { fd, error } = await tryToListen(actor, host, options)
  if (error !== undefined) throw new Error(`${actor.role} ${actor.pid} cannot listen: ${error}`)
  return fd
}

/** One end of a connection: a descriptor of a process, and what the kernel calls it. */
export interface End {
  readonly actor: Actor
  readonly host: Host
  readonly fd: number
  /** `address:port` of this end, and of the other. */
  readonly own: string
  readonly peer: string
}

/** A socket that is about to connect. It is bound first: behind a gate both hosts are addresses of one network. */
export async function caller(actor: Actor, from: Host, to: Host, { port = PORT, waits = true } = {}): Promise<End> {
  const { result: fd } = await actor.must(call('socket', K.AF_INET, waits ? K.SOCK_STREAM : either(K.SOCK_STREAM, K.SOCK_NONBLOCK), 0))
  await actor.must(call('bind', fd, inetAddress(from.address, 0)))
  const own = describeAddress((await actor.must(call('getsockname', fd))).bytes('address'))
  return { actor, host: from, fd, own, peer: `${to.address}:${port}` }
}

/** connect(2) of such a socket; answers its error. */
export async function connects({ actor, fd, peer }: End): Promise<string | undefined> {
  const [address = '', port] = peer.split(':')
  return (await actor.do(call('connect', fd, inetAddress(address, Number(port))))).error
}

/** Connects a new socket. */
export async function dial(actor: Actor, from: Host, to: Host, port = PORT): Promise<End> {
  const one = await caller(actor, from, to, { port })
  const error = await connects(one)
  if (error !== undefined) throw new Error(`${actor.role} ${actor.pid} cannot connect to ${one.peer}: ${error}`)
  return one
}

/** The end that accept(2) answers. */
export async function accepted(actor: Actor, host: Host, listening: number): Promise<End> {
  const { result: fd } = await actor.must(call('accept', listening, 0))
  const name = async (of: string) => describeAddress((await actor.must(call(of, fd))).bytes('address'))
  return { actor, host, fd, own: await name('getsockname'), peer: await name('getpeername') }
}

export interface Connection {
  readonly client: End
  readonly server: End
}

/** A new connection of these two processes, without its listener; told as one line. */
export async function connection(lab: Lab, { A, B }: Network, client: Actor, server: Actor): Promise<Connection> {
  const made = await lab.stage.story.hush(async () => {
    const listening = await listener(server, B, { options: [K.SO_REUSEADDR] })
    const here = await dial(client, A, B)
    const there = await accepted(server, B, listening)
    await server.must(call('close', listening))
    return { client: here, server: there }
  })
  lab.stage.observe(
    `connected: ${made.client.own}, descriptor ${made.client.fd} of the ${client.role}, with ${made.server.own}, descriptor ${made.server.fd} of the ${server.role}`,
  )
  return made
}

/** Which row of the kernel's table is this end's. */
export const isOf =
  ({ own, peer }: End) =>
  ({ local, remote }: TcpRow): boolean =>
    local === own && remote === peer

/** Settles with its row when the kernel shows this end in the state. */
export const reaches = (one: End, state: TcpState): Promise<TcpRow> =>
  one.host.tcp.until(`${one.own} in ${state}`, (row) => isOf(one)(row) && row.state === state)

/** Settles when the kernel knows nothing of this end any more. */
export const vanishes = (one: End): Promise<void> => one.host.tcp.gone(one.own, isOf(one))

/** As it is now; undefined where the kernel knows nothing of it. */
export function rowOf(one: End): TcpRow | undefined {
  one.host.tcp.look()
  return one.host.tcp.rows.find(isOf(one))
}

/** In this state now? */
export const isIn = (one: End, state: TcpState): boolean => rowOf(one)?.state === state
