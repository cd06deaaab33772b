/** A router that hides a network behind its own address. RFC 3022 */
import { programAt } from '../../src/core/program-at.js'
import { describeFrame } from '../../src/lab/ethernet.js'
import type { Host } from '../../src/lab/host.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { hostOf, inetAddress, portOf } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'
import { carries, type DatagramSocket, receive, receiver, send, sender } from './support/datagrams.js'

const PORT = 7000
/** Of the well-known ones, which no router gives away. RFC 4787, 4.2.1 */
const UNUSED_PORT = 9
const PUBLIC = '203.0.113.1'

export default defineStory({
  name: 'nat',
  title: 'NAT: many hosts behind one address',
  prediction:
    'outside, a packet from inside has the router’s address and a port of it; the router remembers, and takes the answer back in; what nobody inside asked for stays outside',
  citation: 'RFC 3022, 2.2; RFC 4787; nft(8), masquerade; proc(5), /proc/net/nf_conntrack',
  async play(lab) {
    if (programAt('nft') === undefined) throw new Skip('there is no nft: apt-get install nftables')
    const [inside, outside] = [lab.ethernet('inside'), lab.ethernet('outside')]
    lab.intend(`A and B live in 10.0.0.0/24, C outside in 203.0.113.0/24. R is 10.0.0.254 and ${PUBLIC}; nft makes it masquerade.`)
    const a = await sender(lab, await lab.host('A', { on: inside, address: '10.0.0.1/24' }))
    const b = await sender(lab, await lab.host('B', { on: inside, address: '10.0.0.2/24' }))
    const r = await lab.host('R', { on: inside, address: '10.0.0.254/24' }, { on: outside, address: `${PUBLIC}/24` })
    const c = await receiver(lab, await lab.host('C', { on: outside, address: '203.0.113.3/24' }), PORT)
    for (const { host } of [a, b]) await (await host.rtnetlink).addDefaultRoute('10.0.0.254')
    await r.sysctl('net.ipv4.ip_forward', 1)
    await r.command('nft', ['-f', '-'], MASQUERADE)

    lab.intend('A sends C a datagram.')
    await send(a, 'from A', c.host.address, PORT)
    const seenByC = await peerOf(c)
    const [before, after] = [await inside.until('the datagram', carries('from A')), await outside.until('the datagram', carries('from A'))]
    lab.stage.observe(`inside   ${describeFrame(before)}`)
    lab.stage.observe(`outside  ${describeFrame(after)}`)
    lab.expect(before.packet?.source === '10.0.0.1' && after.packet?.source === PUBLIC, 'R wrote its own address in place of A’s')
    lab.expect(seenByC.host === PUBLIC, `for C it came from ${seenByC.host}:${seenByC.port}: there is no A`)

    lab.intend('C answers that address.')
    await send(c, 'for A', seenByC.host, seenByC.port)
    lab.expect((await receive(a)) === 'for A', 'A got it: R knew whose it was')
    const back = await inside.until('the answer', carries('for A'))
    lab.expect(back.packet?.destination === '10.0.0.1', `R put A’s address back: ${describeFrame(back)}`)
    await table(lab, r)

    lab.intend('B sends from the same port as A, to the same port of C.')
    const portOfA = before.packet?.sourcePort ?? 0
    await lab.stage.story.hush(async () => {
      const { result: fd } = await b.actor.must(call('socket', K.AF_INET, K.SOCK_DGRAM, 0))
      await b.actor.must(call('bind', fd, inetAddress(b.host.address, portOfA)))
      await b.actor.must(call('sendto', fd, 'from B', 0, inetAddress(c.host.address, PORT)))
    })
    const other = await peerOf(c)
    const [first, second] = [await inside.until('B’s', carries('from B')), await outside.until('B’s', carries('from B'))]
    lab.stage.observe(`inside   ${describeFrame(first)}`)
    lab.stage.observe(`outside  ${describeFrame(second)}`)
    lab.expect(
      first.packet?.sourcePort === portOfA && other.host === PUBLIC && other.port !== seenByC.port,
      `one address for both, so R changed the port: ${seenByC.port} is A, ${other.port} is B`,
    )

    lab.intend('C sends to a port of R that nobody inside has used.')
    await send(c, 'unasked', PUBLIC, UNUSED_PORT)
    await send(c, 'asked', seenByC.host, seenByC.port)
    lab.expect((await receive(a)) === 'asked' && !inside.frames.some(carries('unasked')), 'it ended at R: nobody inside had asked for it')
  },
})

const MASQUERADE = `table ip lab {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "eth1" masquerade
  }
}
`

/** Receives a datagram; answers who sent it, as the receiver sees it. */
async function peerOf({ actor, fd }: DatagramSocket): Promise<{ readonly host: string; readonly port: number }> {
  const address = (await actor.must(call('recvmsg', fd, 64, 0))).bytes('address')
  return { host: hostOf(address), port: portOf(address) }
}

/** What the router remembers, where the kernel shows it. */
async function table(lab: Lab, router: Host<string>): Promise<void> {
  const rows = await router.proc('net/nf_conntrack').catch(() => undefined)
  const row = rows?.split('\n').find((line) => line.includes(`dport=${PORT}`))
  if (row === undefined) lab.stage.observe('what R remembers cannot be read here: /proc/net/nf_conntrack')
  else
    lab.stage.observe(
      `R’s memory: ${row
        .split(/\s+/)
        .filter((word) => /^(src|dst|sport|dport)=/.test(word))
        .join(' ')}`,
    )
}
