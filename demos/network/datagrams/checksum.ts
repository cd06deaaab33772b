/** What UDP's checksum is for: a datagram that was damaged is dropped, and nobody is told. RFC 768, RFC 1122 4.1.3.4 */
import { counterOf } from '../../../src/lab/udp-state.js'
import { int } from '../../../src/matrix/subjects/sockets.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { type Scene, udpPair } from './scene.js'

const PORT = 7104
const [SENT, NEXT] = ['to be damaged', 'the next datagram']

export async function checksum(scene: Scene): Promise<void> {
  const { lab, network, sender, receiver } = scene
  const { B, link } = network
  lab.intend('The wire turns one bit of a datagram.')
  const { out, into } = await udpPair(scene, PORT)
  const before = counterOf(B.pid, 'Udp', 'InCsumErrors')
  link.damage({ from: 'A', protocol: 'udp' })
  for (const message of [SENT, NEXT]) await sender.must(call('send', out, message, 0))
  lab.expect(
    (await receiver.must(call('recv', into, 64, 0))).text === NEXT,
    'its checksum does not fit: it is dropped, and the next one is received',
  )
  const errors = counterOf(B.pid, 'Udp', 'InCsumErrors') - before
  lab.expect(errors === 1, `Udp InCsumErrors + ${errors}; neither end is told`)

  lab.intend('The same without a checksum: SO_NO_CHECK writes 0 in its place.')
  await sender.must(call('setsockopt', out, K.SOL_SOCKET, K.SO_NO_CHECK, int(1)))
  link.damage({ from: 'A', protocol: 'udp' })
  await sender.must(call('send', out, SENT, 0))
  const { data } = await receiver.must(call('recv', into, 64, 0))
  lab.expect(bitsApart(data, new TextEncoder().encode(SENT)) === 1, 'it is received, with one bit turned')
}

function bitsApart(one: Uint8Array, other: Uint8Array): number {
  let bits = Math.abs(one.length - other.length) * 8
  for (const [at, byte] of one.entries()) for (let rest = byte ^ (other[at] ?? byte); rest > 0; rest >>= 1) bits += rest & 1
  return bits
}
