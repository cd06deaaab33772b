/** One direction of a connection ends, the other goes on. RFC 9293, 3.6.1; shutdown(2), tcp(7) */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { connection, isIn, reaches, rowOf, vanishes } from './support/connection.js'

const ANSWER = 1 << 20
const FIN_TIMEOUT_S = 1

export default defineStory({
  name: 'half-close',
  title: 'Half-close: one direction ends, the other goes on',
  prediction:
    'behind shutdown(SHUT_WR) 1 MiB still comes back; FIN_WAIT2 lasts for as long as somebody has the descriptor, and for tcp_fin_timeout where nobody has',
  citation: 'RFC 9293, 3.6.1; shutdown(2); tcp(7), tcp_fin_timeout; RFC 1122, 4.2.2.13',
  async play(lab) {
    const network = await lab.joined()
    const client = await network.A.actor('client')
    const server = await network.B.actor('server')
    await answer(lab, network, client, server)
    await orphan(lab, network, client, server)
  },
})

async function answer(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend('The client has said all it has to say, and says so: shutdown(SHUT_WR) sends FIN.')
  const { client: asking, server: answering } = await connection(lab, network, client, server)
  await client.must(call('send', asking.fd, 'question', 0))
  await client.must(call('shutdown', asking.fd, K.SHUT_WR))
  await reaches(asking, 'FIN_WAIT2')
  await reaches(answering, 'CLOSE_WAIT')
  await server.must(call('recv', answering.fd, 64, 0))
  lab.expect((await server.must(call('recv', answering.fd, 64, 0))).result === 0, 'the server has the question and, behind it, the end')
  const more = await client.do(call('send', asking.fd, 'more', K.MSG_NOSIGNAL))
  lab.expect(more.error === 'EPIPE', 'the client can send no more: EPIPE')

  lab.intend('The server answers with 1 MiB all the same.')
  const sending = server.begin(call('send', answering.fd, filling(ANSWER), 0))
  const received = await client.must(call('recv', asking.fd, ANSWER, K.MSG_WAITALL))
  const sent = await sending.outcome
  lab.expect(
    sent.result === ANSWER && received.result === ANSWER && received.data.every((byte) => byte === filling(1).fill),
    `${received.result.toLocaleString('en')} bytes have come back through the half that is open`,
  )
  lab.recorder.write({ side: 'A', sample: { name: 'bytes behind the FIN', value: received.result } })
  lab.expect(isIn(asking, 'FIN_WAIT2') && isIn(answering, 'CLOSE_WAIT'), 'all this while: FIN_WAIT2 here, CLOSE_WAIT there')
  await server.must(call('close', answering.fd))
  lab.expect((await client.must(call('recv', asking.fd, 64, 0))).result === 0, 'the server closes: now the client reads the end')
  await reaches(asking, 'TIME_WAIT')
  await client.must(call('close', asking.fd))
}

async function orphan(lab: Lab, network: Network, client: Actor, server: Actor): Promise<void> {
  lab.intend(
    'Two connections in FIN_WAIT2, whose server never closes. The client keeps the descriptor of one, and closes that of the other.',
  )
  await network.A.sysctl('net.ipv4.tcp_fin_timeout', FIN_TIMEOUT_S)
  lab.stage.observe(`net.ipv4.tcp_fin_timeout of the client’s host is ${FIN_TIMEOUT_S} s (60 by default)`)
  const kept = await connection(lab, network, client, server)
  const left = await connection(lab, network, client, server)
  await client.must(call('shutdown', kept.client.fd, K.SHUT_WR))
  await client.must(call('close', left.client.fd))
  const orphaned = await reaches(left.client, 'FIN_WAIT2')
  await reaches(kept.client, 'FIN_WAIT2')
  lab.expect(
    orphaned.inode === 0 && orphaned.timer === 'time-wait' && rowOf(kept.client)?.timer === 'none',
    `what was closed is an orphan: it belongs to no file, and a timer runs, for ${orphaned.expires * 10} ms more; the other has none`,
  )
  await vanishes(left.client)
  lab.expect(isIn(kept.client, 'FIN_WAIT2'), `after tcp_fin_timeout the orphan is gone; the other is in FIN_WAIT2 still`)
  lab.expect(isIn(left.server, 'CLOSE_WAIT'), 'and the server knows nothing of it: CLOSE_WAIT on both')

  lab.intend('The server says something to both.')
  await server.must(call('send', kept.server.fd, 'late', 0))
  await server.must(call('send', left.server.fd, 'late', 0))
  lab.expect((await client.must(call('recv', kept.client.fd, 64, 0))).text === 'late', 'where somebody has the descriptor, it is read')
  await vanishes(left.server)
  const again = await server.do(call('send', left.server.fd, 'later', K.MSG_NOSIGNAL))
  lab.expect(again.error === 'EPIPE', 'where nobody has, RST came back')
}
