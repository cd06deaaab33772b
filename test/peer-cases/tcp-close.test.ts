import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import type { End } from '../../src/matrix/subjects/subject.js'
import { until } from '../../src/stage/actor-process.js'
import { describeAddress } from '../../src/stage/address.js'
import { K } from '../../src/stage/constants.js'
import { tcpIs } from '../../src/stage/kernel.js'
import { tcpState } from '../matrix/tcp-state.js'
import { peerCase } from './stage.js'

/** More than the loopback interface takes. */
const PATIENCE_MS = 5000

/** A state in which a side waits for no answer of the other's kernel. */
async function rest({ actor, fd = -1 }: End): Promise<string | undefined> {
  for (;;) {
    const state = await tcpState(actor, fd)
    if (state !== 'FIN_WAIT1' && state !== 'CLOSING' && state !== 'LAST_ACK') return state
  }
}

const hearsTheEnd = ({ actor, fd = -1 }: End) => actor.must(call('poll', fd, K.POLLRDHUP, PATIENCE_MS))

for (const how of [K.SHUT_WR, K.SHUT_RDWR])
  peerCase(
    `packetdrill shutdown-${how === K.SHUT_WR ? 'wr' : 'rdwr'}-close: ${how.text} is told to the other; who ends first stays in TIME_WAIT`,
    ['tcp'],
    async (stage, tcp) => {
      const { sender: first, receiver: second } = await tcp.meet(stage)
      const name = describeAddress((await first.actor.must(call('getsockname', first.fd ?? -1))).bytes('address'))
      await first.actor.must(call('shutdown', first.fd ?? -1, how))
      await hearsTheEnd(second)
      assert.deepEqual([await rest(first), await rest(second)], ['FIN_WAIT2', 'CLOSE_WAIT'])
      assert.equal((await first.actor.do(first.send('x'))).error, 'EPIPE')

      await second.actor.must(call('shutdown', second.fd ?? -1, K.SHUT_WR))
      assert.equal(await rest(second), 'CLOSE')
      await until(() => tcpIs(name, 'TIME_WAIT'))
      for (const end of [first, second]) await end.close()
    },
  )

peerCase(
  'packetdrill shutdown-rd-close: SHUT_RD is told to nobody; the other goes on, and what it sends is still read',
  ['tcp'],
  async (stage, tcp) => {
    const { sender, receiver } = await tcp.meet(stage)
    await receiver.actor.must(call('shutdown', receiver.fd ?? -1, K.SHUT_RD))
    assert.equal((await receiver.actor.must(receiver.receive())).result, 0, 'nothing more is waited for')
    await sender.actor.must(sender.send('late'))
    assert.deepEqual([await rest(sender), await rest(receiver)], ['ESTABLISHED', 'ESTABLISHED'])
    await receiver.actor.must(receiver.send('answer'))
    assert.equal((await sender.actor.must(sender.receive())).text, 'answer')
    // Its own FIN comes behind what it sent.
    await sender.actor.must(call('shutdown', sender.fd ?? -1, K.SHUT_WR))
    assert.equal(await rest(sender), 'FIN_WAIT2')
    assert.equal((await receiver.actor.must(receiver.receive())).text, 'late')
    assert.equal((await receiver.actor.must(receiver.receive())).result, 0)
  },
)

peerCase(
  'packetdrill tcp/close: closed by one side with all read, a connection is in CLOSE_WAIT; what the other then sends is answered by a reset',
  ['tcp'],
  async (stage, tcp) => {
    const { sender, receiver } = await tcp.meet(stage)
    await sender.actor.must(sender.send('all'))
    await receiver.actor.must(receiver.receive())
    await receiver.close()
    await hearsTheEnd(sender)
    assert.equal(await rest(sender), 'CLOSE_WAIT')
    // Nobody can read it any more: the answer is a reset, and the connection is over.
    await sender.actor.must(sender.send('more'))
    await sender.actor.must(call('poll', sender.fd ?? -1, 0, PATIENCE_MS))
    assert.equal(await rest(sender), 'CLOSE')
  },
)
