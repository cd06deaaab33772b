/** The retransmission timer: when nothing comes back at all, the sender waits, twice as long each time, and begins anew. RFC 6298 */
import { flightOf, type Seen, seenBy } from '../../src/lab/seen.js'
import { defineStory } from '../../src/lab/story.js'
import { CONGESTION_STATES, TcpInfoWatch } from '../../src/lab/tcp-info.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { connected } from './support/connected.js'
import { waitAtLeast } from './support/patient-timer.js'

export const PORT = 7040
const ONE_WAY_MS = 25
const BYTES = 200 * 1448
/** The line is cut behind so many packets, in the third round trip. */
const BEFORE_THE_CUT = 40
/** The kernel may be looked at a little sooner than the wire takes the packet. */
const NOTICED_MS = 20

export default defineStory({
  name: 'timeout',
  title: 'The retransmission timer',
  prediction:
    'while the line is cut, one packet is sent again and again, each time after twice the wait; the window falls to one segment, the threshold to half of what was under way, and slow start begins anew',
  citation: 'RFC 6298, 5.4 to 5.6; RFC 5681, 3.1; tcp(7), TCP_INFO; ip-sysctl, tcp_early_retrans and tcp_frto',
  async play(lab) {
    const network = await lab.wired()
    const { A, B, link } = network
    link.delay = ONE_WAY_MS
    // Neither a probe of the tail before the timer, nor a test whether it ended too early.
    await A.sysctl('net.ipv4.tcp_early_retrans', 0)
    await A.sysctl('net.ipv4.tcp_frto', 0)
    await waitAtLeast(A, 400)
    const [client, server] = [await A.actor('sender'), await B.actor('receiver')]
    const { fd, accepted } = await connected(lab, network, { client, server, port: PORT, sendBuffer: 4 * BYTES })
    const observer = await lab.stage.story.hush(() => client.spawn('observer'))
    const watch = new TcpInfoWatch(observer, fd, 'A', lab.recorder, ({ congestionState, slowStartThreshold, congestionWindow }) => ({
      ca_state: CONGESTION_STATES.indexOf(congestionState),
      ssthresh: slowStartThreshold,
      cwnd: congestionWindow,
    }))
    const seenNow = () => seenBy(lab.recorder.events, 'A', PORT)
    const samplesOf = (name: string, since: number) =>
      lab.recorder.events.flatMap(({ t, sample }) => (t > since && sample?.name === name ? sample.value : []))

    lab.intend(`${BYTES} bytes are on their way; behind ${BEFORE_THE_CUT} packets the line is cut.`)
    const mend = link.drop({ from: 'A', payload: true }, { after: BEFORE_THE_CUT, times: Number.POSITIVE_INFINITY })
    const reading = server.begin(call('recv', accepted, BYTES, K.MSG_WAITALL))
    await client.must(call('send', fd, filling(BYTES), 0))
    await lab.recorder.until('two packets sent again', () => repeatsOf(seenNow()).length >= 2 || undefined)
    mend()
    lab.intend('The line is whole again; nobody tells the sender.')
    const { result } = await reading.outcome
    await watch.close()

    const seen = seenNow()
    const [first, second, third] = repeatsOf(seen)
    lab.expect(
      first?.lost === true && second?.lost === true && third?.lost === false,
      `three times the same packet is sent again: byte ${first?.sequence}, the first that is not acknowledged`,
    )
    const waits = [(second?.t ?? 0) - (first?.t ?? 0), (third?.t ?? 0) - (second?.t ?? 0)] as const
    lab.expect(
      Math.abs(waits[1] / waits[0] - 2) <= 0.4,
      `from one to the next: ${waits.map((ms) => `${ms.toFixed(0)} ms`).join(', then ')}: the timer backs off`,
    )
    const flight = Math.round(flightOf(seen.filter(({ t }) => t < (first?.t ?? 0))) / 1448)
    const began = (first?.t ?? 0) - NOTICED_MS
    const [threshold = 0] = samplesOf('ssthresh', began)
    lab.expect(
      samplesOf('ca_state', began).includes(CONGESTION_STATES.indexOf('Loss')) &&
        samplesOf('cwnd', began).includes(1) &&
        Math.abs(threshold / flight - 0.5) <= 0.1,
      `with ${flight} segments under way: Loss, window 1, threshold ${threshold}`,
    )
    const windows = samplesOf('cwnd', began)
    const anew = windows.slice(windows.lastIndexOf(1))
    // Of the last timeout: on a machine that is late there may be a second.
    const last = samplesOf('ssthresh', began).at(-1) ?? 0
    lab.expect(
      Math.max(...anew) >= last && result === BYTES,
      `slow start anew up to ${last}, then a segment a round trip: ${anew.join(' → ')}; all ${result} bytes came`,
    )
  },
})

/** How the first packet that was lost was sent again. */
export function repeatsOf(seen: readonly Seen[]): readonly Seen[] {
  const cut = seen.find(({ lost }) => lost)
  return seen.filter(({ sent, t, sequence, length }) => sent && length > 0 && sequence === cut?.sequence && t > cut.t)
}
