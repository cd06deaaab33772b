/** The other side is gone without a word: who notices, and when. RFC 9293, 3.8.3 and 3.8.4; tcp(7) */
import type { Lab, Network } from '../../src/lab/lab.js'
import type { Link } from '../../src/lab/link.js'
import { defineStory } from '../../src/lab/story.js'
import { int } from '../../src/matrix/subjects/sockets.js'
import type { Pending } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { type Connection, connection, type End, isIn, vanishes } from './support/connection.js'

const KEEPALIVE = { idle: 1, interval: 1, probes: 2 }
const KEEPALIVE_MS = 1000 * (KEEPALIVE.idle + KEEPALIVE.probes * KEEPALIVE.interval)
const USER_TIMEOUT_MS = 600

export const QUESTION = 'a question without an answer'

export const RETRANSMISSIONS = 'sender: retransmissions'
export const TIMEOUT = 'sender: timeout (ms)'

export default defineStory({
  name: 'vanished-peer',
  title: 'The peer has vanished: keep-alive and TCP_USER_TIMEOUT',
  prediction: `who only reads never learns of it; keep-alive gives up ${KEEPALIVE_MS / 1000} s after the last word (ETIMEDOUT), TCP_USER_TIMEOUT once bytes were unacknowledged for so long; without either they are sent again, each time after twice the wait`,
  citation: 'RFC 9293, 3.8.3 and 3.8.4; RFC 6298, 5.5; RFC 5482; tcp(7), TCP_KEEPIDLE, TCP_USER_TIMEOUT, tcp_retries2',
  async play(lab) {
    const network = await lab.wired()
    const server = await network.B.actor('server')
    const actor = (role: string) => lab.stage.story.hush(() => network.A.actor(role))
    const meet = async (role: string) => connection(lab, network, await actor(role), server)
    lab.intend('Four clients of one server.')
    const cast = {
      reader: await meet('reader'),
      prober: await meet('prober'),
      sender: await meet('sender'),
      impatient: await meet('impatient'),
    }
    await prepare(lab, cast)
    await mend(lab, network, cast, await cut(lab, network, cast))
  },
})

type Cast = Readonly<Record<'reader' | 'prober' | 'sender' | 'impatient', Connection>>

async function prepare(lab: Lab, { prober, impatient }: Cast): Promise<void> {
  lab.intend('The prober turns keep-alive on, the impatient one a limit for what is not acknowledged; the others nothing.')
  const { actor, fd } = prober.client
  await actor.must(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_KEEPIDLE, int(KEEPALIVE.idle)))
  await actor.must(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_KEEPINTVL, int(KEEPALIVE.interval)))
  await actor.must(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_KEEPCNT, int(KEEPALIVE.probes)))
  await actor.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_KEEPALIVE, int(1)))
  await impatient.client.actor.must(call('setsockopt', impatient.client.fd, K.IPPROTO_TCP, K.TCP_USER_TIMEOUT, int(USER_TIMEOUT_MS)))
}

/** Answers the call that the reader is still in. */
async function cut(lab: Lab, { link }: Network<Link>, { reader, prober, sender, impatient }: Cast): Promise<Pending> {
  lab.intend('The wire is cut: every packet is lost, and nobody is told. Two have something to send.')
  link.loss = 1
  const began = lab.recorder.now()
  await sender.client.actor.must(call('send', sender.client.fd, QUESTION, 0))
  await impatient.client.actor.must(call('send', impatient.client.fd, 'quick!', 0))
  const reading = ({ client }: Connection): Pending => client.actor.begin(call('recv', client.fd, 64, 0))
  const pending = { reader: reading(reader), prober: reading(prober), impatient: reading(impatient) }
  const gaveUp = async (name: 'prober' | 'impatient') => ({ error: (await pending[name].outcome).error, ms: lab.recorder.now() - began })

  const limited = await gaveUp('impatient')
  lab.expect(
    limited.error === 'ETIMEDOUT' && limited.ms >= USER_TIMEOUT_MS,
    `TCP_USER_TIMEOUT of ${USER_TIMEOUT_MS} ms: ETIMEDOUT after ${seconds(limited.ms)} s, when the next retransmission was due`,
  )
  const early = await backoffOf(lab, sender.client)
  const probed = await gaveUp('prober')
  lab.expect(
    probed.error === 'ETIMEDOUT' && Math.abs(probed.ms / KEEPALIVE_MS - 1) <= 0.2,
    `keep-alive: ETIMEDOUT after ${seconds(probed.ms)} s: ${KEEPALIVE.idle} s of silence, then ${KEEPALIVE.probes} probes ${KEEPALIVE.interval} s apart`,
  )
  const late = await backoffOf(lab, sender.client)
  lab.expect(
    late.times > early.times && Math.abs(late.timeoutMs / (early.timeoutMs * 2 ** (late.times - early.times)) - 1) <= 0.2,
    `the sender’s bytes were sent again ${late.times} times; its timeout doubles with each: ${early.timeoutMs} ms after ${early.times}, ${late.timeoutMs} ms after ${late.times}, and so on for a quarter of an hour (tcp_retries2)`,
  )
  lab.expect((await pending.reader.settled()) === 'blocked', 'the reader waits, and would for ever')
  return pending.reader
}

async function mend(lab: Lab, { link }: Network<Link>, { reader, prober }: Cast, reading: Pending): Promise<void> {
  lab.intend('The wire is whole again, and the server speaks to the reader and to the prober.')
  link.loss = 0
  const { actor: server, fd } = reader.server
  await server.must(call('send', fd, 'news', 0))
  lab.expect((await reading.outcome).text === 'news', 'the reader’s connection is as it was: nothing was sent, so nothing was missed')
  lab.expect(isIn(prober.server, 'ESTABLISHED'), 'the server knows nothing of what the prober gave up: its end is ESTABLISHED, half open')
  await server.must(call('send', prober.server.fd, 'news', 0))
  await vanishes(prober.server)
  const { error } = await server.do(call('recv', prober.server.fd, 64, 0))
  lab.expect(error === 'ECONNRESET', 'its first word is answered with RST: ECONNRESET')
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2)

/** Of `struct tcp_info`: how often the oldest bytes were sent again, and the timeout that runs. linux/tcp.h */
async function backoffOf(lab: Lab, { actor, fd }: End): Promise<{ readonly times: number; readonly timeoutMs: number }> {
  const { buffer, byteOffset } = (await actor.must(call('getsockopt', fd, K.IPPROTO_TCP, K.TCP_INFO, 12))).bytes('value')
  const view = new DataView(buffer, byteOffset)
  const [times, timeoutMs] = [view.getUint8(2), view.getUint32(8, true) / 1000]
  lab.recorder.write({ side: 'A', sample: { name: RETRANSMISSIONS, value: times } })
  lab.recorder.write({ side: 'A', sample: { name: TIMEOUT, value: timeoutMs } })
  return { times, timeoutMs }
}
