/** A datagram that is larger than the link's packets comes in fragments, and is lost with any of them. RFC 791, 3.2 */
import { setSysctl } from '../../../src/lab/sysctl.js'
import { counterOf } from '../../../src/lab/udp-state.js'
import { call, filling } from '../../../src/stage/call.js'
import { Skip } from '../../../src/stage/stage.js'
import { arrival, packetsFromNow, type Scene, udpPair } from './scene.js'

const PORT = 7103
const LENGTH = 4000
const NEXT = 'the next datagram'

export async function fragments(scene: Scene): Promise<void> {
  const { lab, network, sender, receiver } = scene
  const { A, B, link } = network
  lab.intend(`${LENGTH} bytes, with 8 of UDP’s header, over a link that takes 1,480 behind the header of IP.`)
  const { out, into } = await udpPair(scene, PORT)
  const packets = packetsFromNow(lab)
  await sender.must(call('send', out, filling(LENGTH), 0))
  const { result } = await receiver.must(call('recv', into, LENGTH, 0))
  for (const { text } of packets()) lab.stage.observe(text)
  lab.expect(result === LENGTH && packets().length === 3, '3 fragments, one datagram: the receiver’s kernel has put it together')

  lab.intend(`The same again; the wire loses the second fragment. ${B.address} keeps the others for a second (net.ipv4.ipfrag_time).`)
  const keepsShortly = await shortenPatience(scene)
  link.drop({ from: 'A', protocol: 'udp' }, { after: 1 })
  const before = counterOf(B.pid, 'Ip', 'ReasmOKs')
  await sender.must(call('send', out, filling(LENGTH), 0))
  await sender.must(call('send', out, NEXT, 0))
  const { text } = await receiver.must(call('recv', into, LENGTH, 0))
  lab.expect(text === NEXT, 'two thirds of the datagram arrived, and none of it is received: the next one is')
  lab.expect(counterOf(B.pid, 'Ip', 'ReasmOKs') === before, `Ip ReasmOKs stays ${before}; UDP does not send again, neither does IP`)
  if (!keepsShortly) return
  await arrival(lab, packets, 'icmp type 11 code 1')
  lab.expect(
    counterOf(A.pid, 'Icmp', 'InTimeExcds') === 1,
    'the rest of it was kept for ipfrag_time, then thrown away: ICMP type 11 code 1, fragment reassembly time exceeded, came back to the sender’s kernel',
  )
}

/** Half a datagram is kept for 30 s: here for one. */
async function shortenPatience({ lab, receiver }: Scene): Promise<boolean> {
  try {
    await setSysctl(receiver, 'net.ipv4.ipfrag_time', 1)
    return true
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    lab.intend(`${error.message}; what becomes of the rest of a datagram after 30 s is left out.`)
    return false
  }
}
