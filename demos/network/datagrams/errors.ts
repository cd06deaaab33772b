/** What ICMP tells of a port where nobody listens, and who hears it. udp(7), ip(7), RFC 1122 4.1.3.3 */
import { inetAddress, int } from '../../../src/matrix/subjects/sockets.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { arrival, packetsFromNow, type Scene, udpSocket } from './scene.js'

const [NOBODY, PORT] = [7999, 7106]
const UNREACHABLE = 'icmp type 3 code 3'

export async function errors(scene: Scene): Promise<void> {
  await connectedHears(scene)
  await unconnectedDoesNot(scene)
}

async function connectedHears({ lab, network: { B }, sender }: Scene): Promise<void> {
  lab.intend(`A connected socket sends to ${B.address}:${NOBODY}, where nobody listens.`)
  const out = await udpSocket(sender)
  await sender.must(call('connect', out, inetAddress(B.address, NOBODY)))
  const packets = packetsFromNow(lab)
  await sender.must(call('send', out, 'hello', 0))
  const { error } = await sender.do(call('recv', out, 64, 0))
  lab.expect(
    packets().some(({ text }) => text === UNREACHABLE),
    'connect and send succeed; then ICMP type 3 code 3, port unreachable, comes back',
  )
  lab.expect(error === 'ECONNREFUSED', 'the call after it fails with ECONNREFUSED, here recv: it tells of the datagram before')
}

async function unconnectedDoesNot({ lab, network: { A, B }, sender, receiver }: Scene): Promise<void> {
  lab.intend('The same with sendto, from a socket that is not connected.')
  const out = await udpSocket(sender)
  await sender.must(call('bind', out, inetAddress(A.address, PORT)))
  const elsewhere = await udpSocket(receiver)
  const sendAndAnswer = async () => {
    const packets = packetsFromNow(lab)
    await sender.must(call('sendto', out, 'hello', 0, inetAddress(B.address, NOBODY)))
    await arrival(lab, packets, UNREACHABLE)
    await receiver.must(call('sendto', elsewhere, 'from another port', 0, inetAddress(A.address, PORT)))
    return sender.do(call('recv', out, 64, 0))
  }
  const first = await sendAndAnswer()
  lab.expect(
    first.text === 'from another port',
    'ICMP came back just the same, but the socket hears nothing of it: the next recv answers the next datagram',
  )

  lab.intend('The same, after it asked for errors (IP_RECVERR).')
  await sender.must(call('setsockopt', out, K.IPPROTO_IP, K.IP_RECVERR, int(1)))
  lab.expect((await sendAndAnswer()).error === 'ECONNREFUSED', 'ECONNREFUSED, though not connected')
  lab.expect((await sender.must(call('recv', out, 64, 0))).text === 'from another port', 'and then the datagram: an error is told once')
}
