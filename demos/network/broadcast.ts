/** One datagram for all: who may send it, and whom it reaches. RFC 919, RFC 922 */
import { EVERYBODY } from '../../src/lab/ethernet.js'
import { defineStory } from '../../src/lab/story.js'
import { inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { carries, number, receive, received, receiver, send, sender } from './support/datagrams.js'

const PORT = 7000
const [DIRECTED, LIMITED] = ['192.0.2.255', '255.255.255.255'] as const

export default defineStory({
  name: 'broadcast',
  title: 'Broadcast: one datagram for all on the link',
  prediction:
    'nobody broadcasts by accident: EACCES without SO_BROADCAST; the directed broadcast is for all hosts of one network, the limited one for all on the link; every socket bound to the port gets a copy, and TCP knows no broadcast',
  citation: 'RFC 919, 7; RFC 922; RFC 1122, 3.3.6; socket(7), SO_BROADCAST; ip(7)',
  async play(lab) {
    const lan = lab.ethernet('lan')
    lab.intend('A, B and C are hosts of 192.0.2.0/24. D is on the same Ethernet, in another network: 198.51.100.0/24.')
    const a = await sender(lab, await lab.host('A', { on: lan, address: '192.0.2.1/24' }))
    const atB = await lab.host('B', { on: lan, address: '192.0.2.2/24' })
    const [b, second] = [await receiver(lab, atB, PORT, undefined, 'B first'), await receiver(lab, atB, PORT, undefined, 'B second')]
    const c = await receiver(lab, await lab.host('C', { on: lan, address: '192.0.2.3/24' }), PORT)
    const d = await receiver(lab, await lab.host('D', { on: lan, address: '198.51.100.4/24' }), PORT)
    const own = await receiver(lab, a.host, PORT, undefined, 'A, receiving')

    lab.intend('Without SO_BROADCAST.')
    for (const address of [DIRECTED, LIMITED]) {
      const { error } = await a.actor.do(call('sendto', a.fd, 'too easy', 0, inetAddress(address, PORT)))
      lab.expect(error === 'EACCES', `${address}: ${error}`)
    }
    lab.expect(!lan.frames.some(carries('too easy')), 'nothing of it was on the link')

    lab.intend('With it: the directed broadcast of 192.0.2.0/24, whose last 8 bits are ones, and the limited one.')
    await a.actor.must(call('setsockopt', a.fd, K.SOL_SOCKET, K.SO_BROADCAST, number(1)))
    await send(a, 'directed', DIRECTED, PORT)
    await send(a, 'limited', LIMITED, PORT)
    const frames = [await lan.until('directed', carries('directed')), await lan.until('limited', carries('limited'))]
    lab.expect(
      frames.every(({ destination, to }) => destination === EVERYBODY && to.join() === 'B,C,D'),
      `both are one frame, for ${EVERYBODY}: the Ethernet brings both to B, C and D`,
    )
    const [atC = [], atA = []] = await received(lab, a, PORT, c, own)
    lab.expect(atC.join() === 'directed,limited', `C got both: ${atC.join(', ')}`)
    const atD = await lab.stage.story.hush(() => receive(d))
    lab.expect(atD === 'limited', 'D got the limited one alone: for its kernel 192.0.2.255 is some host elsewhere')
    lab.expect(atA.join() === 'directed,limited', 'A, who sent them, got both as well: there is no LOOP to switch off')
    const copies = await lab.stage.story.hush(async () => [await receive(b), await receive(second)])
    lab.expect(copies.join() === 'directed,directed', 'two processes at B share the port by SO_REUSEADDR: each got a copy')

    lab.intend('A TCP connection to all.')
    const { result: stream } = await a.actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
    const { error = 'no error' } = await a.actor.do(call('connect', stream, inetAddress(DIRECTED, PORT)))
    lab.expect(['ENETUNREACH', 'EACCES'].includes(error), `connect: ${error}. A connection has two ends.`)
  },
})
