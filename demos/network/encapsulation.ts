/** One message within its headers: on the same host, on the same network, across a router. RFC 1122, 1.1.3 */
import type { Capture, SeenFrame } from '../../src/lab/capture.js'
import type { Frame } from '../../src/lab/ethernet.js'
import type { Lab } from '../../src/lab/lab.js'
import { layersOf } from '../../src/lab/layers.js'
import { defineStory } from '../../src/lab/story.js'
import { inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { carries, type DatagramSocket, receive, receiver, send, sender } from './support/datagrams.js'

const PORT = 7000
export const MESSAGE = 'hello, world'

export default defineStory({
  name: 'encapsulation',
  title: 'A message within UDP, within IP, within Ethernet',
  prediction:
    'each layer puts its header in front and minds no other; on the same host the frame has no hardware addresses; across a router the packet is the same but for its TTL, in a new frame',
  citation: 'RFC 1122, 1.1.3; RFC 768; RFC 791, 3.1; RFC 894; RFC 1812, 5.2',
  async play(lab) {
    const [near, far] = [lab.ethernet('near'), lab.ethernet('far')]
    lab.intend('A and B are on one Ethernet, C on another; R is on both and passes packets on (net.ipv4.ip_forward = 1).')
    const hostA = await lab.host('A', { on: near, address: '192.0.2.1/24' })
    const [a, home] = [await sender(lab, hostA), await receiver(lab, hostA, PORT, undefined, 'A, receiving')]
    const b = await receiver(lab, await lab.host('B', { on: near, address: '192.0.2.2/24' }), PORT)
    const r = await lab.host('R', { on: near, address: '192.0.2.254/24' }, { on: far, address: '198.51.100.254/24' })
    const c = await receiver(lab, await lab.host('C', { on: far, address: '198.51.100.3/24' }), PORT)
    await r.sysctl('net.ipv4.ip_forward', 1)
    await (await hostA.rtnetlink).addDefaultRoute('192.0.2.254')
    const loopback = await lab.capture(hostA, 'lo')

    lab.intend('To the same host: it is captured on lo.')
    const local = await sent(lab, loopback, a, home)
    lab.expect(/^[0:]+$/.test(local.source + local.destination), 'no card, no hardware address: the frame is all zeros')

    lab.intend('To the same network, by UDP.')
    const direct = await sent(lab, near, a, b)
    lab.expect(direct.to.join() === 'B', 'the frame is for B, and so is the packet')
    lab.intend('The same by TCP.')
    tell(lab, await byTcp(lab, near, a, b))

    lab.intend('Across the router.')
    const before = await sent(lab, near, a, c)
    const after = await far.until('the datagram behind R', carries(MESSAGE))
    lab.intend('And behind it:')
    tell(lab, after)
    lab.expect(
      before.to.join() === 'R' && before.packet?.destination === c.host.address,
      'the first frame is for R, the packet in it for C',
    )
    lab.expect(
      before.packet?.ttl === 64 && after.packet?.ttl === 63 && after.source !== before.source,
      'R took the frame off, counted TTL down, and put the packet into a frame of its own',
    )
    lab.expect(
      layersOf(before)
        .slice(2)
        .map(({ text }) => text)
        .join() ===
        layersOf(after)
          .slice(2)
          .map(({ text }) => text)
          .join(),
      'what is inside the packet R did not touch: ports and message are the same',
    )
  },
})

/** Sends the message; answers the frame that carried it, told layer by layer. */
async function sent(lab: Lab, link: Capture, from: DatagramSocket, to: DatagramSocket): Promise<SeenFrame> {
  const before = link.frames.length
  await send(from, MESSAGE, to.host.address, PORT)
  await lab.stage.story.hush(() => receive(to))
  const frame = await link.until('the datagram', carries(MESSAGE), before)
  tell(lab, frame)
  return frame
}

function tell(lab: Lab, frame: Frame): void {
  for (const { name, offset, length, text } of layersOf(frame))
    lab.stage.observe(`${String(offset).padStart(3)} ${`+${length}`.padStart(4)}  ${name.padEnd(11)}  ${text}`)
}

async function byTcp(lab: Lab, link: Capture, from: DatagramSocket, to: DatagramSocket): Promise<Frame> {
  return lab.stage.story.hush(async () => {
    const { result: listening } = await to.actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
    await to.actor.must(call('bind', listening, inetAddress(to.host.address, PORT)))
    await to.actor.must(call('listen', listening, 1))
    const { result: fd } = await from.actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
    await from.actor.must(call('connect', fd, inetAddress(to.host.address, PORT)))
    await from.actor.must(call('send', fd, MESSAGE, 0))
    return link.until('the segment', (frame) => frame.packet?.tcp !== undefined && carries(MESSAGE)(frame))
  })
}
