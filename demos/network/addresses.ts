/** The subnet mask decides who is a neighbour and who is behind a router. RFC 950, RFC 1122 */
import type { Host } from '../../src/lab/host.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { and, bitsOf, maskOf } from '../../src/lab/subnet.js'
import type { Switch } from '../../src/lab/switch.js'
import { inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { carries, type DatagramSocket, sender } from './support/datagrams.js'
import { describeRoute, routeTo } from './support/routes.js'

const [OWN, ROUTER] = ['10.0.0.1', '10.0.0.2'] as const
/** Nearer and farther from 10.0.0.1, bit by bit. */
const DESTINATIONS = ['10.0.0.9', '10.0.0.130', '10.0.1.9', '203.0.113.5'] as const
export const MASKS = [24, 25, 30, 16] as const
const PORT = 7000

export default defineStory({
  name: 'addresses',
  title: 'The subnet mask: on the link, or behind a router',
  prediction:
    'the kernel sends a packet to the destination itself where address AND mask is the same of both, else to the router, else nowhere: ENETUNREACH; it asks by ARP for whom it sends to',
  citation: 'RFC 950; RFC 1122, 3.3.1.1; RFC 4632; rtnetlink(7), ip-route(8): ip route get',
  async play(lab) {
    const lan = lab.ethernet('lan')
    lab.intend(`A is ${OWN}/24. Its kernel is asked for its way to each destination, as by ip route get.`)
    const a = await lab.host('A', { on: lan, address: `${OWN}/24` })
    await lab.host('R', { on: lan, address: `${ROUTER}/16` })
    const socket = await sender(lab, a)
    lab.stage.observe(`${bitsOf(OWN)}  ${OWN}`)
    lab.stage.observe(`${bitsOf(maskOf(24))}  the mask of /24, ${maskOf(24)}`)
    lab.stage.observe(`${bitsOf(and(OWN, maskOf(24)))}  the AND of both: A’s network`)
    await ways(lab, a, 24, undefined)
    await refused(lab, socket)
    lab.intend(`A default route, by ${ROUTER}.`)
    await (await a.rtnetlink).addDefaultRoute(ROUTER)
    await ways(lab, a, 24, ROUTER)
    await asked(lab, lan, socket, 24)
    for (const bits of MASKS.slice(1)) {
      lab.intend(`The same with the mask of /${bits}, ${maskOf(bits)}.`)
      await socket.actor.must(call('interface_address', 'eth0', OWN, maskOf(bits)))
      await (await a.rtnetlink).addDefaultRoute(ROUTER)
      await ways(lab, a, bits, ROUTER)
      if (bits === 30) await asked(lab, lan, socket, bits)
    }
    lab.intend('Addresses that are nobody else’s.')
    for (const [address, kind] of SPECIAL) {
      const route = await routeTo(a, address)
      lab.expect(typeof route !== 'string' && route.kind === kind, `${address.padEnd(15)} ${describeRoute(route)}`)
    }
  },
})

/** Of A with /16. */
const SPECIAL = [
  [OWN, 'local'],
  ['127.0.0.1', 'local'],
  ['10.0.255.255', 'broadcast'],
  ['239.1.1.1', 'multicast'],
] as const

const isNeighbour = (address: string, bits: number): boolean => and(address, maskOf(bits)) === and(OWN, maskOf(bits))

/** Holds the arithmetic against the kernel. */
async function ways(lab: Lab, a: Host<string>, bits: number, router: string | undefined): Promise<void> {
  const mask = maskOf(bits)
  for (const address of DESTINATIONS) {
    const route = await routeTo(a, address)
    const near = isNeighbour(address, bits)
    const predicted =
      near || router !== undefined ? typeof route !== 'string' && route.gateway === (near ? undefined : router) : route === 'ENETUNREACH'
    lab.expect(
      predicted && (typeof route === 'string' || route.source === OWN),
      `${address.padEnd(11)} AND ${mask} = ${and(address, mask).padEnd(11)} ${near ? '= ' : '≠ '}${and(OWN, mask)}: ${describeRoute(route)}`,
    )
  }
}

async function refused(lab: Lab, { actor }: DatagramSocket): Promise<void> {
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  const { error } = await actor.do(call('connect', fd, inetAddress('10.0.1.9', PORT)))
  lab.expect(error === 'ENETUNREACH', `and so says connect: ${error}`)
  await actor.must(call('close', fd))
}

/** Whom the kernel asks for by ARP tells to whom it hands the packet. */
async function asked(lab: Lab, lan: Switch, { actor, fd }: DatagramSocket, bits: number): Promise<void> {
  const near = isNeighbour('10.0.0.9', bits)
  const before = lan.frames.length
  await actor.must(call('sendto', fd, 'hello', 0, inetAddress('10.0.0.9', PORT)))
  const { arp } = await lan.until('ARP of A', ({ from, arp }) => from === 'A' && arp?.operation === 'request', before)
  lab.expect(arp?.target === (near ? '10.0.0.9' : ROUTER), `on the link: who has ${arp?.target}?`)
  if (near) return // nobody has
  const frame = await lan.until('the datagram', carries('hello'), before)
  lab.expect(
    frame.to.join() === 'R' && frame.packet?.destination === '10.0.0.9',
    `the frame is for ${frame.destination}, the router; the packet in it for ${frame.packet?.destination}`,
  )
}
