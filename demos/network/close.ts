/** What close() ends, what shutdown() ends, and what a child has to do with it. close(2), shutdown(2) */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { connection, isIn, reaches } from './support/connection.js'

export default defineStory({
  name: 'close',
  title: 'close() or shutdown(), while a child holds the descriptor',
  prediction:
    'close() gives up a descriptor, and the connection ends with the last one; shutdown() ends the connection for all who have it',
  citation: 'close(2); shutdown(2); fork(2); RFC 9293, 3.6; Stevens, UNP 1, 4.8 and 6.6',
  async play(lab) {
    const network = await lab.joined()
    const server = await network.B.actor('server')
    await closed(lab, network, await network.A.actor('parent'), server)
    await shut(lab, network, await network.A.actor('parent'), server)
  },
})

async function closed(lab: Lab, network: Network, parent: Actor, server: Actor): Promise<void> {
  lab.intend('A parent has a connection, and a child: both have the descriptor. The parent closes its own.')
  const { client, server: served } = await connection(lab, network, parent, server)
  const child = await parent.fork('child')
  await parent.must(call('close', client.fd))
  await child.must(call('send', client.fd, 'still here', 0))
  await server.must(call('recv', served.fd, 64, 0))
  lab.expect(
    isIn(client, 'ESTABLISHED') && isIn(served, 'ESTABLISHED'),
    'no FIN was sent: the child’s bytes come through, and both ends are ESTABLISHED',
  )
  const reading = server.begin(call('recv', served.fd, 64, 0))
  lab.expect((await reading.settled()) === 'blocked', 'a server that reads to the end waits for the child')

  lab.intend('The child ends, and with it the last descriptor.')
  await child.exit()
  lab.expect((await reading.outcome).result === 0, 'now FIN was sent: the server reads the end')
  await reaches(served, 'CLOSE_WAIT')
  await server.must(call('close', served.fd))
  await reaches(client, 'TIME_WAIT')
}

async function shut(lab: Lab, network: Network, parent: Actor, server: Actor): Promise<void> {
  lab.intend('The same again, but the parent calls shutdown(SHUT_WR).')
  const { client, server: served } = await connection(lab, network, parent, server)
  const child = await parent.fork('child')
  await parent.must(call('shutdown', client.fd, K.SHUT_WR))
  await reaches(served, 'CLOSE_WAIT')
  lab.expect(
    (await server.must(call('recv', served.fd, 64, 0))).result === 0,
    'the server reads the end at once, though the child has the descriptor',
  )
  const sent = await child.do(call('send', client.fd, 'still here', K.MSG_NOSIGNAL))
  lab.expect(sent.error === 'EPIPE', 'nobody asked the child, and it can send no more: EPIPE')
  await server.must(call('send', served.fd, 'good night', 0))
  lab.expect((await child.must(call('recv', client.fd, 64, 0))).text === 'good night', 'it can read: only one direction was shut')
  await server.must(call('close', served.fd))
  await reaches(client, 'TIME_WAIT')
}
