/** The instrument itself: what a link may do to packets, seen by who receives datagrams over it. tc-netem(8) */
import type { Lab, Network } from '../../src/lab/lab.js'
import type { Impairments, Link } from '../../src/lab/link.js'
import { defineStory } from '../../src/lab/story.js'
import { bound, inetAddress, openSocket } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { call, counter } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'

const [PORT, END_PORT] = [7000, 7001]
const ONE_WAY_MS = 25
export const DATAGRAMS = 100
/** Of 100 datagrams 30 are meant; four standard deviations are 18. */
const CHANCE = 0.3
const [FEWEST, MOST] = [12, 48]

/** Where datagrams are received, and where the one that ends them is. */
interface Scene {
  readonly lab: Lab
  readonly link: Link
  readonly sender: Actor
  readonly receiver: Actor
  readonly from: number
  readonly numbers: { readonly fd: number; readonly address: Uint8Array }
  readonly end: { readonly fd: number; readonly address: Uint8Array }
}

export default defineStory({
  name: 'link',
  title: 'What a link does to packets',
  prediction:
    'a delay is met by every packet; loss, duplication and reordering by as many as was said; a corrupted datagram is one that UDP drops; jitter keeps the order',
  citation: 'tc-netem(8); RFC 768; RFC 1122, 4.1.3.4',
  async play(lab) {
    const network = await lab.linked()
    const scene = await meet(lab, network)
    network.link.delay = ONE_WAY_MS
    await delayed(scene)
    const lost = await heard(scene, { loss: CHANCE })
    expectSome(lab, DATAGRAMS - lost.length, `lost of ${DATAGRAMS}: nobody is told`)
    const doubled = await heard(scene, { duplicate: CHANCE })
    expectSome(lab, doubled.length - DATAGRAMS, `of ${DATAGRAMS} came twice: UDP hands on both`)
    const early = await heard(scene, { reorder: CHANCE })
    lab.expect(early.length === DATAGRAMS, `all ${DATAGRAMS} came`)
    expectSome(lab, overtaking(early), 'of them before one that was sent earlier: UDP hands them on as they come')
    const broken = await heard(scene, { corrupt: CHANCE })
    lab.expect(inOrder(broken), 'what comes is as it was sent')
    expectSome(lab, DATAGRAMS - broken.length, 'had a bit turned: their checksum tells the kernel, which drops them')
    const shaken = await heard(scene, { jitter: ONE_WAY_MS })
    lab.expect(shaken.length === DATAGRAMS && inOrder(shaken), 'each took another time, and none overtook another')
  },
})

async function meet(lab: Lab, { A, B, link }: Network<Link>): Promise<Scene> {
  const [sender, receiver] = [await A.actor('sender'), await B.actor('receiver')]
  const at = (port: number) => bound(receiver, K.AF_INET, K.SOCK_DGRAM, inetAddress(B.address, port))
  return {
    lab,
    link,
    sender,
    receiver,
    from: await openSocket(sender, K.AF_INET, K.SOCK_DGRAM),
    numbers: await at(PORT),
    end: await at(END_PORT),
  }
}

/** One datagram, to which nothing is done but the delay; settles when it is there. */
async function pass({ sender, receiver, from, end }: Scene): Promise<void> {
  await sender.must(call('sendto', from, 'end', 0, end.address))
  await receiver.must(call('recv', end.fd, 16, 0))
}

async function delayed(scene: Scene): Promise<void> {
  const { lab } = scene
  lab.intend(`A delay of ${ONE_WAY_MS} ms each way.`)
  const began = performance.now()
  await pass(scene)
  const ms = performance.now() - began
  lab.expect(ms > 0.8 * ONE_WAY_MS, `the datagram was there after ${Math.round(ms)} ms`)
}

/** Sends numbered datagrams over a link that does this to them, and one behind them that ends them; the numbers that came. */
async function heard(scene: Scene, change: Partial<Impairments>): Promise<readonly number[]> {
  const { lab, link, sender, receiver, from, numbers } = scene
  const [[what = '', value = 0] = []] = Object.entries(change)
  lab.intend(`${what} ${value}${what === 'jitter' ? ' ms' : ''}: ${DATAGRAMS} numbered datagrams.`)
  Object.assign(link, change)
  await sender.repeat(DATAGRAMS, call('sendto', from, counter(), 0, numbers.address))
  await link.release() // all of them have met the link
  Object.assign(link, { [what]: 0 })
  await pass(scene)
  const { each } = await receiver.repeat(2 * DATAGRAMS, call('recv', numbers.fd, 16, K.MSG_DONTWAIT))
  lab.recorder.write({ side: 'B', sample: { name: `datagrams received ${what}`, value: each.length } })
  return each.map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset).getUint32(0, true))
}

const expectSome = (lab: Lab, seen: number, text: string): void => lab.expect(seen >= FEWEST && seen <= MOST, `${seen} ${text}`)

const overtaking = (numbers: readonly number[]): number =>
  numbers.filter((number, at) => numbers.slice(at).some((later) => later < number)).length

const inOrder = (numbers: readonly number[]): boolean => numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))
