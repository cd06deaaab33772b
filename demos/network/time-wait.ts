/** Who is in TIME_WAIT, for how long, and what for. RFC 9293, 3.6.1 */
import type { Lab, Network } from '../../src/lab/lab.js'
import type { Link } from '../../src/lab/link.js'
import { defineStory } from '../../src/lab/story.js'
import type { TcpRow } from '../../src/lab/tcp-state.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { tcpStateOf } from '../../src/stage/kernel.js'
import { connection, isIn, isOf, reaches, vanishes } from './support/connection.js'

/** TCP_TIMEWAIT_LEN, a constant of the kernel. include/net/tcp.h */
const TIME_WAIT_S = 60
/** Until its timer ends. proc(5): in ticks of 10 ms */
const secondsLeft = ({ expires }: TcpRow): number => expires / 100

export const LEFT = 'TIME_WAIT left (s)'

export default defineStory({
  name: 'time-wait',
  title: 'TIME_WAIT: who closes first waits',
  prediction:
    'the end that closes first waits for 60 s, be it client or server, and the other waits for nothing; there it answers a FIN whose ACK was lost',
  citation: 'RFC 9293, 3.6.1 and 3.10.7.4; RFC 1337; ip-sysctl.rst, tcp_fin_timeout; include/net/tcp.h, TCP_TIMEWAIT_LEN',
  async play(lab) {
    const network = await lab.wired()
    const client = await network.A.actor('client')
    const server = await network.B.actor('server')
    await clientFirst(lab, network, client, server)
    await serverFirst(lab, network, client, server)
    await lostAck(lab, network, client, server)
  },
})

async function clientFirst(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('The client closes first, then the server.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await client.must(call('shutdown', here.fd, K.SHUT_WR))
  await reaches(there, 'CLOSE_WAIT')
  await server.must(call('close', there.fd))
  const row = await reaches(here, 'TIME_WAIT')
  await vanishes(there)
  lab.expect(true, 'the client is in TIME_WAIT; of the server nothing is left')
  const left = secondsLeft(row)
  lab.expect(
    row.timer === 'time-wait' && left <= TIME_WAIT_S && left > 0.8 * TIME_WAIT_S,
    `a timer runs for ${left} s: until every packet of this connection that may still be under way is dead`,
  )
  const later = await network.A.tcp.until('the timer falling', (one) => isOf(here)(one) && secondsLeft(one) < left)
  lab.expect(true, `and falls: ${secondsLeft(later)} s; no setting of this kernel makes it shorter`)
  const information = await client.must(call('getsockopt', here.fd, K.IPPROTO_TCP, K.TCP_INFO, 1))
  const told = tcpStateOf(information.bytes('value')[0] ?? 0)
  lab.expect(told === 'CLOSE', 'TCP_INFO of the descriptor says CLOSE: what waits is no socket any more, but a small record of the kernel')
  await client.must(call('close', here.fd))
}

async function serverFirst(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('Now the server closes first.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await server.must(call('close', there.fd))
  await reaches(here, 'CLOSE_WAIT')
  await client.must(call('close', here.fd))
  await reaches(there, 'TIME_WAIT')
  await vanishes(here)
  lab.expect(
    true,
    `the server is in TIME_WAIT, on its own port, ${there.own}: it may not start there again at once (make lab-reuse-address)`,
  )
}

async function lostAck(lab: Lab, network: Network<Link>, client: Actor, server: Actor): Promise<void> {
  lab.intend('What it is for: the client closes first, and its last ACK is lost.')
  const { client: here, server: there } = await connection(lab, network, client, server)
  await client.must(call('shutdown', here.fd, K.SHUT_WR))
  await reaches(here, 'FIN_WAIT2')
  await reaches(there, 'CLOSE_WAIT')
  network.A.tcp.follow(LEFT, (row) => (isOf(here)(row) && row.state === 'TIME_WAIT' ? secondsLeft(row) : undefined))
  network.link.drop({ from: 'A', flags: ['ACK'], notFlags: ['FIN', 'SYN'] })
  await server.must(call('close', there.fd))
  await reaches(here, 'TIME_WAIT')
  lab.expect(isIn(there, 'LAST_ACK'), 'the client thinks that all is done; the server is in LAST_ACK')
  await vanishes(there)
  lab.expect(true, 'the server sent its FIN again, and TIME_WAIT acknowledged it: now both know')
  const left = () => lab.recorder.trace('', '', '').events.flatMap(({ sample }) => (sample?.name === LEFT ? sample.value : []))
  const rise = (values: readonly number[]) => values.findIndex((value, index) => value > (values[index - 1] ?? value))
  // The server may be seen to go before the client's timer is looked at again.
  await network.A.tcp.until('the timer of TIME_WAIT anew', (row) => isOf(here)(row) && rise(left()) > 0)
  const values = left()
  const at = rise(values)
  lab.expect(at > 0, `the 60 s began anew with it: ${values[at - 1]} s → ${values[at]} s`)
  await client.must(call('close', here.fd))
}
