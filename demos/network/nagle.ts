/** Nagle's algorithm against delayed acknowledgements: what write, write, read costs, and three cures. RFC 896, RFC 1122 */
import type { Lab, Network } from '../../src/lab/lab.js'
import { seenBy } from '../../src/lab/seen.js'
import { defineStory } from '../../src/lab/story.js'
import type { Wire } from '../../src/lab/wire.js'
import { int } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { type Constant, call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { connected } from './support/connected.js'
import { DELAYED_ACK_MS, exchange, isDelayed } from './support/dialogue.js'

const ONE_WAY_MS = 50
const ROUND_TRIP_MS = 2 * ONE_WAY_MS

export const PORTS = { both: 7020, noDelay: 7021, quickAck: 7022, oneWrite: 7023, tinygrams: 7024, tinygramsNoDelay: 7025 } as const

export default defineStory({
  name: 'nagle',
  title: 'Nagle’s algorithm against delayed acknowledgements',
  prediction:
    'the second small write waits for the first one’s acknowledgement, which the other end delays: two round trips and 40 ms; TCP_NODELAY or a single write makes it one round trip, TCP_QUICKACK two',
  citation: 'RFC 896; RFC 1122, 4.2.3.2 (delayed ACK) and 4.2.3.4 (Nagle); RFC 9293, 3.7.4; tcp(7), TCP_NODELAY, TCP_QUICKACK',
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    const people = { client: await network.A.actor('client'), server: await network.B.actor('server') }
    await waits(lab, network, people)
    await cures(lab, network, people)
    await tinygrams(lab, network, people)
  },
})

interface People {
  readonly client: Actor
  readonly server: Actor
}

const option = (actor: Actor, fd: number, name: Constant, value: 0 | 1) =>
  actor.must(call('setsockopt', fd, K.IPPROTO_TCP, name, int(value)))

const ms = (value: number): string => `${value.toFixed(0)} ms`

async function waits(lab: Lab, network: Network<Wire>, people: People): Promise<void> {
  lab.intend(`A round trip takes ${ROUND_TRIP_MS} ms. The client writes a head and a body, one byte each, and reads the answer.`)
  const ends = await connected(lab, network, { ...people, port: PORTS.both })
  await option(people.server, ends.accepted, K.TCP_QUICKACK, 0)
  const seen = await exchange(lab, ends, 'H', 'B')
  lab.expect(
    seen.order.startsWith('A 1, B ack, A 1, B') && seen.trips === 2,
    `on the wire: ${seen.order}. The body left only when the head was acknowledged`,
  )
  lab.expect(
    isDelayed(seen.kept) && seen.ms >= 2 * ROUND_TRIP_MS + 0.8 * DELAYED_ACK_MS,
    `${ms(seen.ms)}: two round trips, and ${ms(seen.kept)} in which the server kept its ACK for an answer that could not come`,
  )
}

async function cures(lab: Lab, network: Network<Wire>, people: People): Promise<void> {
  lab.intend('TCP_NODELAY at the client: nothing waits for an acknowledgement.')
  const free = await connected(lab, network, { ...people, port: PORTS.noDelay })
  await option(people.server, free.accepted, K.TCP_QUICKACK, 0)
  await option(people.client, free.fd, K.TCP_NODELAY, 1)
  const noDelay = await exchange(lab, free, 'H', 'B')
  lab.expect(
    noDelay.order.startsWith('A 1, A 1, B') && noDelay.trips === 1,
    `on the wire: ${noDelay.order}. One round trip, ${ms(noDelay.ms)}`,
  )

  lab.intend('TCP_QUICKACK at the server: it acknowledges at once. Nagle’s algorithm still waits for that. Then the same again.')
  const quick = await connected(lab, network, { ...people, port: PORTS.quickAck })
  // A busy machine may be late, and then the kernel takes it for no dialogue.
  const twice = await lab.stage.again(5, async () => {
    await option(people.server, quick.accepted, K.TCP_QUICKACK, 1)
    const [first, second] = [await exchange(lab, quick, 'H', 'B'), await exchange(lab, quick, 'H', 'B')]
    return !isDelayed(first.kept) && isDelayed(second.kept) ? { first, second } : undefined
  })
  lab.expect(
    twice?.first.trips === 2 && twice.second.trips === 2,
    `first ${ms(twice?.first.ms ?? 0)}, two round trips; then ${ms(twice?.second.ms ?? 0)}: the option is not permanent, a dialogue turns it off`,
  )

  lab.intend('The best cure: the client writes both at once.')
  const one = await connected(lab, network, { ...people, port: PORTS.oneWrite })
  await option(people.server, one.accepted, K.TCP_QUICKACK, 0)
  const oneWrite = await exchange(lab, one, 'HB')
  lab.expect(
    oneWrite.order.startsWith('A 2, B') && oneWrite.trips === 1,
    `on the wire: ${oneWrite.order}. One round trip, ${ms(oneWrite.ms)}, half the packets, and no option set`,
  )
}

/** What the algorithm is for. */
async function tinygrams(lab: Lab, network: Network<Wire>, people: People): Promise<void> {
  const [KEYS, HEADERS] = [10, 52]
  const typed = async (port: number, noDelay: 0 | 1) => {
    const { fd, accepted } = await connected(lab, network, { ...people, port })
    await option(people.client, fd, K.TCP_NODELAY, noDelay)
    await network.link.hold({ from: 'B' }) // until all is written
    await people.client.repeat(KEYS, call('send', fd, 'x', 0))
    await network.link.release()
    await people.server.must(call('recv', accepted, KEYS, K.MSG_WAITALL))
    const lengths = seenBy(lab.recorder.events, 'A', port).flatMap(({ sent, length }) => (sent && length > 0 ? length : []))
    return { lengths: lengths.join(', '), bytes: KEYS + HEADERS * lengths.length }
  }
  lab.intend(`What the algorithm is for: ${KEYS} writes of a byte each, within one round trip.`)
  const nagle = await typed(PORTS.tinygrams, 0)
  lab.expect(
    nagle.lengths === `1, ${KEYS - 1}`,
    `with it, packets of ${nagle.lengths} bytes: ${nagle.bytes} bytes on the wire with their headers`,
  )
  const free = await typed(PORTS.tinygramsNoDelay, 1)
  lab.expect(free.lengths === new Array(KEYS).fill(1).join(', '), `without it, packets of ${free.lengths}: ${free.bytes} bytes`)
}
