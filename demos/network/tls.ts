/** What a handshake of TLS costs in round trips, and what of it can be read on the way. RFC 8446, RFC 5246 */

import { selfSigned } from '../../src/lab/certificate.js'
import { Conversation } from '../../src/lab/conversation.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { tlsDecoder } from '../../src/lab/tls-records.js'
import type { NodeProcess } from '../../src/stage/node-process.js'
import { type Handshake, handshakesOf, sealedBytes } from './support/handshake.js'
import { start, tells } from './support/programs.js'
import type { Agreed } from './support/tls-client.js'

const PORT = 8443
const ONE_WAY_MS = 25
const ROUND_TRIP_MS = 2 * ONE_WAY_MS

/** A timer may come early by a part of a millisecond. */
const TOLERANCE = 0.2

/** Round trips until the client's first word leaves, that of TCP among them. */
export const SCENES = [
  { version: 'TLSv1.2', resumed: false, roundTrips: 3 },
  { version: 'TLSv1.3', resumed: false, roundTrips: 2 },
  { version: 'TLSv1.2', resumed: true, roundTrips: 2 },
  { version: 'TLSv1.3', resumed: true, roundTrips: 2 },
] as const

export default defineStory({
  name: 'tls',
  title: 'Handshakes of TLS 1.2 and 1.3 in round trips',
  prediction:
    'behind the round trip of TCP, TLS 1.2 takes two and TLS 1.3 one; a session taken up again takes one with either, and needs no certificate; of 1.3 nobody on the way reads the certificate',
  citation: 'RFC 8446, 2 and 2.2; RFC 5246, 7.3; RFC 7301',
  async play(lab) {
    const { A, B, link } = await lab.wired()
    link.delay = ONE_WAY_MS
    const conversation = new Conversation(tlsDecoder, lab.recorder)
    link.onPacket = (packet) => conversation.hear(packet)
    const identity = selfSigned('lab', B.address)
    const server = await start(lab, B, 'server', 'tls-server', B.address, PORT)
    server.ask(identity)
    await tells(server, 'listens')
    const client = await start(lab, A, 'client', 'tls-client', B.address, PORT)
    for (const scene of SCENES) {
      lab.intend(
        `${scene.version}, ${scene.resumed ? 'its session taken up again' : 'a new session'}: a round trip is ${ROUND_TRIP_MS} ms.`,
      )
      client.ask({ ...scene, ca: identity.certificate })
      await agree(lab, client, scene)
    }
    compare(lab)
    lab.intend('A word in the first flight already, before any round trip of TLS (early data, RFC 8446, 2.3): node:tls has no such thing.')
  },
})

async function agree(lab: Lab, client: NodeProcess, { version, resumed, roundTrips }: (typeof SCENES)[number]): Promise<void> {
  const agreed = (await client.told()) as Agreed
  const [handshake] = handshakesOf(lab.recorder.trace('', '', '')).slice(-1)
  if (handshake === undefined) throw new Error('no connection was seen')
  show(lab, handshake)
  lab.recorder.write({ sample: { name: `to the first word (ms) ${version} ${resumed ? 'resumed' : 'new'}`, value: handshake.ms } })
  lab.expect(
    agreed.version === version && agreed.resumed === resumed && agreed.protocol === 'echo',
    `${version} was agreed on, and by ALPN what to speak`,
  )
  lab.expect(
    handshake.roundTrips === roundTrips && handshake.ms > (roundTrips - TOLERANCE) * ROUND_TRIP_MS,
    `the first word leaves after ${roundTrips} round trips, ${Math.round(handshake.ms)} ms: one of TCP, ${roundTrips - 1 === 1 ? 'one' : 'two'} of TLS`,
  )
}

/** A line a flight, with its time in round trips since the SYN. */
function show(lab: Lab, { flights }: Handshake): void {
  const began = flights[0]?.t ?? 0
  for (const { side, t, texts } of flights)
    lab.stage.observe(`${((t - began) / ROUND_TRIP_MS).toFixed(1)} round trips  ${side === 'A' ? 'client' : 'server'}  ${texts.join(', ')}`)
}

/** What can be read on the way, and what is spared by a session. */
function compare(lab: Lab): void {
  const [old, current, oldAgain, currentAgain] = handshakesOf(lab.recorder.trace('', '', '')).map(({ flights }) =>
    flights.filter(({ side }) => side === 'B'),
  )
  const shows = (flights: typeof old) => flights?.some(({ texts }) => texts.includes('Certificate')) === true
  const sealed = (flights: typeof old) => flights?.reduce((sum, flight) => sum + sealedBytes(flight), 0) ?? 0
  lab.intend('What somebody on the way sees.')
  lab.expect(
    shows(old) && !shows(current),
    'the certificate passes in the clear with 1.2; with 1.3 it is in ApplicationData, behind ServerHello',
  )
  lab.expect(
    !shows(oldAgain) && sealed(currentAgain) < sealed(current) / 2,
    `a session taken up again needs no certificate: with 1.3 the server’s flight shrinks from ${sealed(current)} to ${sealed(currentAgain)} sealed bytes`,
  )
}
