/** A server and its client, as the stories of I/O begin. */
import { newNetwork } from '../../../src/lab/host.js'
import type { Lab } from '../../../src/lab/lab.js'
import { bound, connected, inetAddress, LOOPBACK } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'

const PORT = 7000

/** A server and its client, which are connected. */
export interface Pair {
  readonly server: Actor
  readonly client: Actor
  /** The server's end. */
  readonly accepted: number
  /** The client's end. */
  readonly connected: number
}

/**
 * A process in a network of its own and its child, joined by TCP. Switches can be counted over it: a blocked reader of a
 * unix stream is woken in vain when the other side has read, for the kernel tells it that there is room to write.
 */
export async function tcpPair(lab: Lab): Promise<Pair> {
  return lab.stage.story.hush(async () => {
    const server = await newNetwork(lab.stage, 'server')
    const { fd, address } = await bound(server, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, PORT))
    await server.must(call('listen', fd, 1))
    const client = await server.spawn('client')
    return {
      server,
      client,
      connected: await connected(client, K.AF_INET, K.SOCK_STREAM, address),
      accepted: (await server.must(call('accept', fd, 0))).result,
    }
  })
}

/** A process and its child, joined by a unix stream: what one has sent lies at the other when send(2) returns. */
export async function unixPair(lab: Lab): Promise<Pair> {
  return lab.stage.story.hush(async () => {
    const server = await lab.stage.actor('server')
    const ends = await unixEnds(server)
    return { server, client: await server.fork('client'), ...ends }
  })
}

/** Both ends of a unix stream; its child has them as well. */
export async function unixEnds(actor: Actor): Promise<Pick<Pair, 'accepted' | 'connected'>> {
  const pair = await actor.must(call('socketpair', K.AF_UNIX, K.SOCK_STREAM))
  return { accepted: pair.number('first'), connected: pair.number('second') }
}
