/** A receiver that does not read: its buffer keeps the oldest datagrams, and what comes when it is full is dropped. udp(7) */

import type { Lab } from '../../../src/lab/lab.js'
import { type UdpRow, udpRows } from '../../../src/lab/udp-state.js'
import { int, intOption } from '../../../src/matrix/subjects/sockets.js'
import { until } from '../../../src/stage/actor-process.js'
import { call, counter } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { packetsFromNow, type Scene, udpPair } from './scene.js'

const PORT = 7105
const DATAGRAMS = 200
const BUFFER_BYTES = 8192
const WIDTH = 4

export async function overload(scene: Scene): Promise<void> {
  const { lab, network, sender, receiver } = scene
  const { B, link } = network
  lab.intend(`A receiver with a small buffer (SO_RCVBUF), and what one datagram of ${WIDTH} bytes takes of it.`)
  const { out, into } = await udpPair(scene, PORT)
  const row = () => udpRows(B.pid).find(({ local }) => local === `${B.address}:${PORT}`) ?? { receiveQueue: 0, drops: 0 }

  await receiver.must(call('setsockopt', into, K.SOL_SOCKET, K.SO_RCVBUF, int(BUFFER_BYTES)))
  const room = await intOption(receiver, into, K.SO_RCVBUF)
  lab.expect(
    room === 2 * BUFFER_BYTES,
    `${BUFFER_BYTES} bytes were asked for, ${room} are given: the kernel doubles them for its own needs`,
  )
  await sender.must(call('send', out, counter(WIDTH), 0))
  await until(() => row().receiveQueue > 0)
  const each = row().receiveQueue
  await receiver.must(call('recv', into, WIDTH, 0))
  lab.stage.observe(`/proc/net/udp: ${each} bytes of it, for the whole of the packet’s memory counts`)

  lab.intend(`${DATAGRAMS} numbered datagrams, and nobody reads.`)
  const packets = packetsFromNow(lab)
  link.onPacket = () => sample(lab, row())
  const { times } = await sender.repeat(DATAGRAMS, call('send', out, counter(WIDTH), 0))
  await until(() => row().receiveQueue / each + row().drops === DATAGRAMS)
  link.onPacket = undefined
  sample(lab, row())
  lab.expect(times === DATAGRAMS, `${times} times send succeeded: nobody tells the sender`)
  lab.expect(
    packets().every(({ arrived }) => arrived !== undefined),
    'the wire has lost none of them',
  )
  const { drops } = row()
  const read = await receiver.repeat(DATAGRAMS, call('recv', into, WIDTH, K.MSG_DONTWAIT))
  const numbers = read.each.map(([low = 0, high = 0]) => low | (high << 8))
  const kept = numbers.length
  lab.recorder.write({ side: 'B', sample: { name: 'datagrams kept', value: kept } })
  lab.recorder.write({ side: 'B', sample: { name: 'datagrams dropped', value: drops } })
  lab.expect(kept + drops === DATAGRAMS && drops > 0, `${kept} kept, ${drops} dropped (/proc/net/udp)`)
  lab.expect(Math.abs(kept - room / each) <= 1, `as many as fit: ${room} / ${each} = ${(room / each).toFixed(1)}`)
  lab.expect(
    numbers.every((number, at) => number === at),
    `numbers 0 to ${kept - 1}, in order: the oldest survive, the newest are dropped`,
  )
}

function sample({ recorder }: Lab, { receiveQueue, drops }: Pick<UdpRow, 'receiveQueue' | 'drops'>): void {
  recorder.write({ side: 'B', sample: { name: 'queue (bytes)', value: receiveQueue } })
  recorder.write({ side: 'B', sample: { name: 'drops', value: drops } })
}
