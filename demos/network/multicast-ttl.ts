/** Multicast across a router: it passes a datagram on to the network of a member, if the TTL lasts. RFC 1112, ip(7) */
import type { Host } from '../../src/lab/host.js'
import type { Lab } from '../../src/lab/lab.js'
import { addressBytes } from '../../src/lab/packet.js'
import { defineStory } from '../../src/lab/story.js'
import { type Constant, call, type Labelled } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { carries, membership, number, receive, receiver, send, sender } from './support/datagrams.js'

const GROUP = '239.1.1.1'
const PORT = 7000

/** linux/mroute.h */
const MRT_INIT: Constant = { text: 'MRT_INIT', value: 200 }
const MRT_ADD_VIF: Constant = { text: 'MRT_ADD_VIF', value: 202 }
const MRT_ADD_MFC: Constant = { text: 'MRT_ADD_MFC', value: 204 }
const VIFF_USE_IFINDEX = 8
const MAXVIFS = 32

export default defineStory({
  name: 'multicast-ttl',
  title: 'IP multicast across a router',
  prediction: 'a router that knows of a member behind it passes on what has more than one hop left, with one hop less, and nothing else',
  citation: 'RFC 1112, 6.1; RFC 1812, 5.2.3; ip(7), IP_MULTICAST_TTL; linux/mroute.h',
  async play(lab) {
    const [near, far] = [lab.ethernet('near'), lab.ethernet('far')]
    lab.intend('A on one Ethernet, 192.0.2.0/24; B, a member, on another, 198.51.100.0/24; R is on both.')
    const a = await sender(lab, await lab.host('A', { on: near, address: '192.0.2.1/24' }))
    const r = await lab.host('R', { on: near, address: '192.0.2.254/24' }, { on: far, address: '198.51.100.254/24' })
    const b = await receiver(lab, await lab.host('B', { on: far, address: '198.51.100.2/24' }), PORT)
    await b.actor.must(call('setsockopt', b.fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(GROUP, b.host)))
    await route(lab, r, a.host)

    lab.intend('A sends with a TTL of 1, of 2 and of 8.')
    for (const hops of [1, 2, 8]) {
      await a.actor.must(call('setsockopt', a.fd, K.IPPROTO_IP, K.IP_MULTICAST_TTL, number(hops)))
      await send(a, `TTL ${hops}`, GROUP, PORT)
    }
    const came = [await receive(b), await receive(b)]
    lab.expect(came.join() === 'TTL 2,TTL 8', `B got: ${came.join(', ')}`)
    lab.expect(near.frames.some(carries('TTL 1')) && !far.frames.some(carries('TTL 1')), 'what had TTL 1 was on A’s link, and ended at R')
    for (const hops of [2, 8]) {
      const [before, after] = [near.frames.find(carries(`TTL ${hops}`)), far.frames.find(carries(`TTL ${hops}`))]
      lab.expect(
        before?.packet?.ttl === hops && after?.packet?.ttl === hops - 1,
        `TTL ${before?.packet?.ttl} before R, ${after?.packet?.ttl} behind it; the frame is R’s own now, from ${after?.source}`,
      )
    }
  },
})

/** What a routing daemon would do, which had heard B's IGMP: two interfaces, and one way between them. */
async function route(lab: Lab, router: Host<string>, source: Host<string>): Promise<void> {
  lab.intend('R is made a multicast router: the kernel passes nothing on by itself.')
  const actor = await lab.stage.story.hush(() => router.actor('R'))
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_RAW, K.IPPROTO_IGMP))
  await actor.must(call('setsockopt', fd, K.IPPROTO_IP, MRT_INIT, number(1)))
  const rtnetlink = await router.rtnetlink
  for (const vif of [0, 1])
    await actor.must(call('setsockopt', fd, K.IPPROTO_IP, MRT_ADD_VIF, virtualInterface(vif, await rtnetlink.indexOf(`eth${vif}`))))
  await actor.must(call('setsockopt', fd, K.IPPROTO_IP, MRT_ADD_MFC, cacheEntry(source.address, GROUP)))
}

/** `struct vifctl`; its threshold of 1 lets pass what has more than one hop. */
function virtualInterface(vif: number, index: number): Labelled {
  const view = new DataView(new ArrayBuffer(16))
  view.setUint16(0, vif, true)
  view.setUint8(2, VIFF_USE_IFINDEX)
  view.setUint8(3, 1)
  view.setInt32(8, index, true)
  return { text: `vif ${vif} is eth${vif}`, bytes: new Uint8Array(view.buffer) }
}

/** `struct mfcctl`: what this source sends to this group comes in by interface 0 and goes out by 1. */
function cacheEntry(source: string, group: string): Labelled {
  const bytes = new Uint8Array(12 + MAXVIFS + 16)
  bytes.set(addressBytes(source))
  bytes.set(addressBytes(group), 4)
  bytes[10 + 1] = 1
  return { text: `(${source}, ${group}) from vif 0 to vif 1`, bytes }
}
