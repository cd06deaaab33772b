/** What was sent at once is received at once: UDP keeps the boundaries of messages, TCP knows none. */
import { inetAddress } from '../../../src/matrix/subjects/sockets.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { type Scene, udpPair } from './scene.js'

const MESSAGES = ['abc', 'defgh', 'ijklmno'] as const
const BYTES = MESSAGES.join('').length
const [TCP_PORT, UDP_PORT] = [7100, 7101]
const ROOM = 64

export async function boundaries(scene: Scene): Promise<void> {
  scene.lab.intend(`Messages of ${MESSAGES.map(({ length }) => length).join(', ')} bytes: first over TCP, then over UDP.`)
  await overTcp(scene)
  await overUdp(scene)
}

async function overTcp({ lab, network: { B }, sender, receiver }: Scene): Promise<void> {
  const { result: listening } = await receiver.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await receiver.must(call('bind', listening, inetAddress(B.address, TCP_PORT)))
  await receiver.must(call('listen', listening, 1))
  const { result: fd } = await sender.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await sender.must(call('connect', fd, inetAddress(B.address, TCP_PORT)))
  const { result: accepted } = await receiver.must(call('accept', listening, 0))
  for (const message of MESSAGES) await sender.must(call('send', fd, message, 0))
  await B.tcp.until('all bytes', ({ local, receiveQueue }) => local === `${B.address}:${TCP_PORT}` && receiveQueue === BYTES)
  const { text } = await receiver.must(call('recv', accepted, ROOM, 0))
  lab.expect(text === MESSAGES.join(''), `TCP: one recv answers all ${BYTES} bytes; a stream has no messages`)
}

async function overUdp(scene: Scene): Promise<void> {
  const { lab, sender, receiver } = scene
  const { out, into } = await udpPair(scene, UDP_PORT)
  const receive = () => receiver.must(call('recv', into, ROOM, 0))
  for (const message of MESSAGES) await sender.must(call('send', out, message, 0))
  const received: string[] = []
  while (received.length < MESSAGES.length) received.push((await receive()).text)
  lab.expect(received.join() === MESSAGES.join(), `UDP: ${received.length} recvs, each answers one datagram`)

  lab.intend('A datagram of 8 bytes for which the receiver has room for 4, one of no bytes, and one more.')
  for (const message of ['datagram', '', 'next']) await sender.must(call('send', out, message, 0))
  const cut = await receiver.must(call('recvmsg', into, 4, 0))
  lab.expect(cut.text === 'data' && (cut.number('flags') & K.MSG_TRUNC.value) !== 0, 'the first 4 bytes, with MSG_TRUNC: there was more')
  lab.expect((await receive()).result === 0, 'the other 4 are gone: next comes the empty datagram, and 0 is no end of file here')
  lab.expect((await receive()).text === 'next', 'and then the third')
}
