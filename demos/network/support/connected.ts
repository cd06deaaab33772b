/** A TCP connection between the two hosts, whose ends are set up before they meet. */
import type { Lab, Network } from '../../../src/lab/lab.js'
import { inetAddress, int } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'

export interface Setup {
  readonly client: Actor
  readonly server: Actor
  readonly port: number
  /** Of both ends: never the machine's default. */
  readonly algorithm?: string
  /** SO_RCVBUF of the server's end, SO_SNDBUF of the client's. */
  readonly receiveBuffer?: number
  readonly sendBuffer?: number
}

export interface Connected extends Setup {
  /** The client's descriptor, and the server's. */
  readonly fd: number
  readonly accepted: number
}

/** Not told: what matters of it is for the story to say. */
export function connected(lab: Lab, { B }: Network, setup: Setup): Promise<Connected> {
  const { client, server, port, algorithm = 'reno', receiveBuffer, sendBuffer } = setup
  return lab.stage.story.hush(async () => {
    const listening = await socketOf(server, algorithm)
    if (receiveBuffer !== undefined) await server.must(call('setsockopt', listening, K.SOL_SOCKET, K.SO_RCVBUF, int(receiveBuffer)))
    await server.must(call('bind', listening, inetAddress(B.address, port)))
    await server.must(call('listen', listening, 1))
    const fd = await socketOf(client, algorithm)
    if (sendBuffer !== undefined) await client.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_SNDBUF, int(sendBuffer)))
    await client.must(call('connect', fd, inetAddress(B.address, port)))
    const { result: accepted } = await server.must(call('accept', listening, 0))
    await server.must(call('close', listening))
    return { ...setup, fd, accepted }
  })
}

async function socketOf(actor: Actor, algorithm: string): Promise<number> {
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await actor.must(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_CONGESTION, new TextEncoder().encode(algorithm)))
  return fd
}
