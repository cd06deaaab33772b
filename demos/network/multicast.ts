/** One datagram for whoever has joined a group: members, a stranger, what the sender's own options do. RFC 1112 */
import type { Frame } from '../../src/lab/ethernet.js'
import { describeFrame } from '../../src/lab/ethernet.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Switch } from '../../src/lab/switch.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { carries, type DatagramSocket, membership, number, received, receiver, send, sender } from './support/datagrams.js'

export const GROUP = '239.1.1.1'
const GROUP_HARDWARE = '01:00:5e:01:01:01'
const PORT = 7000
export const MESSAGES = ['one', 'two', 'three'] as const

export default defineStory({
  name: 'multicast',
  title: 'IP multicast: one datagram, many members',
  prediction:
    'each member gets one copy of what is sent once, the stranger none; a host that joins or leaves tells the routers by IGMP; datagrams go no farther than the link unless the sender says so',
  citation: 'RFC 1112, 6 and 7; RFC 3376, 5; RFC 2365; ip(7), IP_ADD_MEMBERSHIP, IP_MULTICAST_TTL, IP_MULTICAST_LOOP',
  async play(lab) {
    const lan = lab.ethernet('lan')
    lab.intend('Five hosts on one Ethernet, 192.0.2.1 to .5: A sends, B, C and D will be members, E stays a stranger.')
    const a = await sender(lab, await lab.host('A', { on: lan, address: '192.0.2.1/24' }))
    const [b, c, d, e] = [
      await receiver(lab, await lab.host('B', { on: lan, address: '192.0.2.2/24' }), PORT),
      await receiver(lab, await lab.host('C', { on: lan, address: '192.0.2.3/24' }), PORT),
      await receiver(lab, await lab.host('D', { on: lan, address: '192.0.2.4/24' }), PORT),
      await receiver(lab, await lab.host('E', { on: lan, address: '192.0.2.5/24' }), PORT),
    ]
    await joining(lab, lan, [b, c, d], e)
    await sending(lab, lan, a, [b, c, d], e)
    await looping(lab, lan, a, [b, c, d])
    await leaving(lab, lan, a, [b, c], d)
  },
})

const tells =
  ({ host }: DatagramSocket, change: 'join' | 'leave') =>
  ({ from, packet }: Frame): boolean =>
    from === host.side && packet?.igmp?.some((told) => told.change === change && told.group === GROUP) === true

async function joining(lab: Lab, lan: Switch, members: readonly DatagramSocket[], stranger: DatagramSocket): Promise<void> {
  lab.intend(`B, C and D join ${GROUP}. Each kernel says so on the link, for routers to hear.`)
  for (const member of members) {
    await member.actor.must(call('setsockopt', member.fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(GROUP, member.host)))
    const report = await lan.until(`IGMP of ${member.host.side}`, tells(member, 'join'))
    lab.expect(report.packet?.ttl === 1, `on the link, with TTL 1: ${describeFrame(report)}, to ${report.destination}`)
  }
  const groups = async ({ host }: DatagramSocket) => (await host.proc('net/igmp')).includes(KERNEL_GROUP)
  const joined = await Promise.all(members.map(groups))
  lab.expect(joined.every(Boolean) && !(await groups(stranger)), `/proc/net/igmp has ${KERNEL_GROUP} at B, C and D, and not at E`)
}

/** As the kernel prints it: the bytes of the group as one number of this little-endian machine. */
const KERNEL_GROUP = GROUP.split('.')
  .reverse()
  .map((byte) => Number(byte).toString(16).padStart(2, '0'))
  .join('')
  .toUpperCase()

async function sending(
  lab: Lab,
  lan: Switch,
  a: DatagramSocket,
  members: readonly DatagramSocket[],
  stranger: DatagramSocket,
): Promise<void> {
  lab.intend('A sends three datagrams to the group. It is no member: to send takes no membership.')
  for (const message of MESSAGES) await send(a, message, GROUP, PORT)
  const texts = await received(lab, a, PORT, ...members, stranger)
  const shown = texts.map((list, at) => `${'BCDE'[at]} ${list.length}`).join(', ')
  lab.expect(texts.slice(0, 3).every((list) => list.join() === MESSAGES.join()) && texts[3]?.length === 0, `datagrams received: ${shown}`)
  const frames = lan.frames.filter((frame) => MESSAGES.some((message) => carries(message)(frame)))
  lab.expect(
    frames.length === MESSAGES.length && frames.every(({ destination }) => destination === GROUP_HARDWARE),
    `A put ${frames.length} frames on the link, one a datagram, for ${GROUP_HARDWARE}: 01:00:5e and the low 23 bits of the group`,
  )
  lab.expect(
    frames.every(({ packet }) => packet?.ttl === 1),
    'their TTL is 1, the default of IP_MULTICAST_TTL: no router passes them on',
  )
  lab.expect(
    frames.every(({ to }) => to.includes('E')),
    'the switch, which minds no IGMP, brought them to E as well: it was E’s kernel that dropped them',
  )
}

async function looping(lab: Lab, lan: Switch, a: DatagramSocket, members: readonly DatagramSocket[]): Promise<void> {
  lab.intend('A process at A joins, too. IP_MULTICAST_LOOP at the sender says whether its own host gets a copy.')
  const own = await receiver(lab, a.host, PORT, undefined, 'A, member')
  await own.actor.must(call('setsockopt', own.fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(GROUP, a.host)))
  await send(a, 'with loop', GROUP, PORT)
  await a.actor.must(call('setsockopt', a.fd, K.IPPROTO_IP, K.IP_MULTICAST_LOOP, number(0)))
  await send(a, 'without loop', GROUP, PORT)
  const [atHome, ...elsewhere] = await received(lab, a, PORT, own, ...members)
  lab.expect(atHome?.join() === 'with loop', 'the member at A got the first alone')
  lab.expect(
    elsewhere.every((list) => list.join() === 'with loop,without loop'),
    'the members elsewhere got both: the option concerns the sender’s host, and no other',
  )

  lab.intend('TTL 0: for members at the sender’s own host alone.')
  await a.actor.must(call('setsockopt', a.fd, K.IPPROTO_IP, K.IP_MULTICAST_LOOP, number(1)))
  await a.actor.must(call('setsockopt', a.fd, K.IPPROTO_IP, K.IP_MULTICAST_TTL, number(0)))
  await send(a, 'at home', GROUP, PORT)
  const [home, ...others] = await received(lab, a, PORT, own, ...members)
  lab.expect(home?.join() === 'at home' && others.every((list) => list.length === 0), 'the member at A got it, nobody else did')
  lab.expect(!lan.frames.some(carries('at home')), 'it was never on the link')
  await a.actor.must(call('setsockopt', a.fd, K.IPPROTO_IP, K.IP_MULTICAST_TTL, number(1)))
}

async function leaving(lab: Lab, lan: Switch, a: DatagramSocket, staying: readonly DatagramSocket[], d: DatagramSocket): Promise<void> {
  lab.intend('D leaves.')
  await d.actor.must(call('setsockopt', d.fd, K.IPPROTO_IP, K.IP_DROP_MEMBERSHIP, membership(GROUP, d.host)))
  lab.stage.observe(`on the link: ${describeFrame(await lan.until('IGMP of D', tells(d, 'leave')))}`)
  await send(a, 'after all', GROUP, PORT)
  const [left, ...others] = await received(lab, a, PORT, d, ...staying)
  lab.expect(left?.length === 0 && others.every((list) => list.join() === 'after all'), 'B and C get what is sent now, D does not')
}
