/** From an address to a hardware address: asked once, kept, forgotten, asked in vain. RFC 826 */
import { describeFrame, EVERYBODY, type Frame } from '../../src/lab/ethernet.js'
import type { Host } from '../../src/lab/host.js'
import { defineStory } from '../../src/lab/story.js'
import { inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'
import { carries, receive, receiver, send, sender } from './support/datagrams.js'

const PORT = 7000
const NOBODY = '192.0.2.9'
const REQUESTS = 3

export default defineStory({
  name: 'arp',
  title: 'ARP: whose is this address?',
  prediction:
    'the first datagram to a neighbour waits for one request, which all hear, and one answer, which the asker alone gets; the next need none until the entry is gone; where nobody answers three requests, EHOSTUNREACH',
  citation: 'RFC 826; RFC 1122, 2.3.2; arp(7); ip-neighbour(8)',
  async play(lab) {
    const lan = lab.ethernet('lan')
    lab.intend('A, B and C on one Ethernet. A has sent nothing yet.')
    const a = await sender(lab, await lab.host('A', { on: lan, address: '192.0.2.1/24' }))
    const b = await receiver(lab, await lab.host('B', { on: lan, address: '192.0.2.2/24' }), PORT)
    await lab.host('C', { on: lan, address: '192.0.2.3/24' })
    lab.expect((await tableOf(a.host)).length === 0, 'its ARP table is empty')

    lab.intend('A sends B a datagram.')
    await send(a, 'first', b.host.address, PORT)
    await receive(b)
    const seen = [...lan.frames]
    for (const frame of seen) lab.stage.observe(lineOf(frame))
    const [request, answer, datagram] = seen
    lab.expect(
      request?.arp?.operation === 'request' && request.destination === EVERYBODY && request.to.join() === 'B,C',
      'A asked all: C heard it too, and kept silent',
    )
    lab.expect(
      answer?.arp?.operation === 'reply' && answer.destination === request?.source && answer.to.join() === 'A',
      'B answered A alone',
    )
    lab.expect(
      datagram !== undefined && carries('first')(datagram) && datagram.destination === answer?.source,
      'the datagram had waited for that',
    )
    lab.stage.observe(`A’s table: ${(await tableOf(a.host)).join(', ')}`)
    lab.stage.observe(`B’s table: ${(await tableOf(b.host)).join(', ')}, learned from the question`)

    lab.intend('A second one.')
    const before = lan.frames.length
    await send(a, 'second', b.host.address, PORT)
    await receive(b)
    lab.expect(!lan.frames.slice(before).some(asksFor(b.host.address, 'A')), 'nothing was asked: the table knew')

    lab.intend('A’s entry is deleted, as by ip neighbour delete.')
    for (const neighbour of await (await a.host.rtnetlink).neighbours()) await (await a.host.rtnetlink).forget(neighbour)
    const cleared = lan.frames.length
    await send(a, 'third', b.host.address, PORT)
    await receive(b)
    lab.stage.observe(lineOf(await lan.until('a further request', asksFor(b.host.address, 'A'), cleared)))

    lab.intend(`Now somebody who is not there: ${NOBODY}.`)
    await a.host.sysctl('net.ipv4.neigh.eth0.mcast_solicit', REQUESTS).catch(patient)
    await a.host.sysctl('net.ipv4.neigh.eth0.retrans_time_ms', 100).catch(patient)
    const { result: stream } = await a.actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
    const { error } = await a.actor.do(call('connect', stream, inetAddress(NOBODY, PORT)))
    const requests = lan.frames.filter(asksFor(NOBODY, 'A')).length
    lab.expect(requests === REQUESTS, `${requests} requests, no answer`)
    lab.expect(error === 'EHOSTUNREACH', `connect: ${error}. No SYN was ever sent: there was nobody to send it to.`)
    const left = await (await a.host.rtnetlink).neighbours()
    lab.expect(
      left.some(({ address, state }) => address === NOBODY && state === 'FAILED'),
      `its entry is ${NOBODY} FAILED`,
    )
  },
})

/** In a user namespace the kernel's own numbers stay: three requests, a second between them. */
function patient(error: unknown): void {
  if (!(error instanceof Skip)) throw error
}

const asksFor =
  (address: string, host: string) =>
  ({ from, arp }: Frame): boolean =>
    from === host && arp?.operation === 'request' && arp.target === address

const lineOf = (frame: Frame): string => `${frame.source} → ${frame.destination}  ${describeFrame(frame)}`

const tableOf = async (host: Host<string>): Promise<readonly string[]> =>
  (await (await host.rtnetlink).neighbours()).map(({ address, hardware = 'nobody', state }) => `${address} is at ${hardware} (${state})`)
