/** How large a datagram can be, and how it comes over a link that takes 1,500 bytes at a time. RFC 791 */

import { int } from '../../../src/matrix/subjects/sockets.js'
import { call, filling } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { packetsFromNow, type Scene, udpPair } from './scene.js'

const PORT = 7102
const [IP_HEADER, UDP_HEADER, MTU] = [20, 8, 1500]
/** The length in an IP header has 16 bits. */
const LARGEST = 0xffff - IP_HEADER - UDP_HEADER
/** What fits one fragment. */
const PART = MTU - IP_HEADER
const fragmentsOf = (length: number): number => Math.ceil((length + UDP_HEADER) / PART)

export async function sizes(scene: Scene): Promise<void> {
  const { lab, sender, receiver } = scene
  lab.intend(`The largest datagram: 65,535 bytes that IP can count, less ${IP_HEADER} of its header and ${UDP_HEADER} of UDP’s.`)
  const { out, into } = await udpPair(scene, PORT)
  const packets = packetsFromNow(lab)
  const tooLarge = await sender.do(call('send', out, filling(LARGEST + 1), 0))
  lab.expect(tooLarge.error === 'EMSGSIZE' && packets().length === 0, `${LARGEST + 1} bytes: EMSGSIZE, and nothing came onto the wire`)
  await sender.must(call('send', out, filling(LARGEST), 0))
  const { result } = await receiver.must(call('recv', into, LARGEST, 0))
  const expected = fragmentsOf(LARGEST)
  lab.expect(
    result === LARGEST && packets().length === expected,
    `${result} bytes came whole, in ${expected} fragments of up to ${PART} bytes`,
  )

  const fitting = PART - UDP_HEADER
  lab.intend(`Not to be fragmented (IP_MTU_DISCOVER): the link’s MTU of ${MTU} bytes leaves ${fitting} for the user.`)
  await sender.must(call('setsockopt', out, K.IPPROTO_IP, K.IP_MTU_DISCOVER, int(K.IP_PMTUDISC_DO.value)))
  const refused = await sender.do(call('send', out, filling(fitting + 1), 0))
  lab.expect(refused.error === 'EMSGSIZE', `${fitting + 1} bytes: EMSGSIZE, from the sender’s own kernel, which knows the MTU`)
  const later = packetsFromNow(lab)
  await sender.must(call('send', out, filling(fitting), 0))
  const whole = await receiver.must(call('recv', into, LARGEST, 0))
  lab.expect(whole.result === fitting && later().length === 1, `${fitting} bytes: one packet`)
}
