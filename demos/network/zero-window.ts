/** The window that closes: a receiver that does not read stops the sender, and probes find out when it goes on. RFC 9293, 3.8.6.1 */
import type { Lab } from '../../src/lab/lab.js'
import { type Seen, seenBy } from '../../src/lab/seen.js'
import { defineStory } from '../../src/lab/story.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { slideOf } from './support/slide.js'
import { windowed } from './support/windowed.js'

const PORT = 7011
const BYTES = 40_000

export default defineStory({
  name: 'zero-window',
  title: 'The window that closes, and the probes',
  prediction:
    'the window shrinks to 0 and the sender stops, until a window update; meanwhile it probes, each time after twice the wait; one byte read opens nothing; a window update that is lost stops the transfer only until the next probe',
  citation: 'RFC 9293, 3.8.6.1 (probes) and 3.8.6.2 (silly window); RFC 1122, 4.2.2.17; proc(5), /proc/net/tcp',
  async play(lab) {
    const network = await lab.wired()
    const { A, B, link } = network
    link.delay = 5
    // Otherwise the kernel answers one probe in half a second, and no further: they carry an old number. ip-sysctl
    await B.sysctl('net.ipv4.tcp_invalid_ratelimit', 0)
    const { client, server, fd, accepted, own, watch } = await windowed(lab, network, PORT, BYTES)

    lab.intend(`The sender writes ${BYTES} bytes to a receiver that does not read.`)
    await client.must(call('send', fd, filling(BYTES), 0))
    const stopped = await A.tcp.until('the timer of probes', (row) => own(row) && row.timer === 'probe')
    const full = await B.tcp.until('what is to be read', (row) => own(row) && row.receiveQueue === BYTES - stopped.sendQueue)
    const offered = seenOf(lab).flatMap(({ sent, flags, window }) => (sent || flags.includes('SYN') ? [] : window))
    lab.expect(
      offered.at(-1) === 0 && slideOf(seenOf(lab)).back === 0,
      `the receiver offers ${offered.join(' → ')}: its right edge stays where it is, the left one comes up to it`,
    )
    lab.expect(
      stopped.sendQueue > 0,
      `${full.receiveQueue} bytes wait to be read there, ${stopped.sendQueue} to be sent here; the timer of the socket is “${stopped.timer}”`,
    )

    lab.intend('The receiver reads what waits there.')
    await server.must(call('recv', accepted, full.receiveQueue, K.MSG_WAITALL))
    const left = await A.tcp.until(
      'a window that closed again',
      (row) => own(row) && row.timer === 'probe' && row.sendQueue < stopped.sendQueue,
    )
    const [closed = 0, closedAgain = 0] = closingsOf(seenOf(lab))
    const opened = seenOf(lab).filter(({ t }) => t > closed)
    const offer = opened.find(({ sent, window }) => !sent && window > 0)
    const next = opened.find(({ t, sent }) => sent && t > (offer?.t ?? 0))
    lab.expect(
      offer?.length === 0 && (next?.length ?? 0) > 0,
      `it tells by itself: ACK ${offer?.acknowledgment} window ${offer?.window}, a window update. The sender goes on at once, until that is full, too`,
    )

    lab.intend('The sender asks again and again whether there is room: a byte’s number from before the window, and no byte.')
    await lab.recorder.until('an answer to the first probe', () => answered(seenOf(lab), closedAgain, 1))
    await server.must(call('recv', accepted, 1, 0))
    await lab.recorder.until('an answer to the second probe', () => answered(seenOf(lab), closedAgain, 2))
    const [first, second] = probesOf(seenOf(lab), closedAgain)
    const said = seenOf(lab).filter(({ t, sent }) => !sent && t > (first?.t ?? 0))
    lab.expect(
      said.length === 2 && said.every(({ window }) => window === 0),
      'one byte was read, and the window is still 0: a receiver offers no less than a segment, else silly little ones would come',
    )

    lab.intend('The receiver reads all there is. The packet that says so is lost.')
    link.drop({ from: 'B' })
    const rest = BYTES - full.receiveQueue - 1
    const reading = server.begin(call('recv', accepted, rest, K.MSG_WAITALL))
    const update = await lab.recorder.until('the window update', (events) => events.find(({ packet }) => packet?.fate === 'lost')?.packet)
    lab.expect(
      (update.window ?? 0) > 0,
      `the window update, ACK ${update.acknowledgment} window ${update.window}, is gone; nobody sends it again`,
    )
    const { result } = await reading.outcome
    await watch.close()
    const [third, ...more] = probesOf(seenOf(lab), closedAgain).slice(2)
    const rescued = seenOf(lab).find(({ t, sent }) => !sent && t > (third?.t ?? 0))
    lab.expect(
      more.length === 0 && (rescued?.window ?? 0) > 0 && result === rest,
      `the third probe is answered with a window of ${rescued?.window}, and the other ${left.sendQueue} bytes come`,
    )
    const waits = [(second?.t ?? 0) - (first?.t ?? 0), (third?.t ?? 0) - (second?.t ?? 0)] as const
    lab.expect(
      Math.abs(waits[1] / waits[0] - 2) <= 0.4,
      `from probe to probe: ${waits.map((ms) => `${ms.toFixed(0)} ms`).join(', then ')}: twice as long each time`,
    )
  },
})

const seenOf = (lab: Lab): readonly Seen[] => seenBy(lab.recorder.events, 'A', PORT)

/** When the window closed. */
export const closingsOf = (seen: readonly Seen[]): readonly number[] => {
  const offers = seen.filter(({ sent, flags }) => !sent && !flags.includes('SYN'))
  return offers.flatMap(({ t, window }, at) => (window === 0 && offers[at - 1]?.window !== 0 ? t : []))
}

/** What was sent since then without a byte, and with a number that had been acknowledged before. */
export function probesOf(seen: readonly Seen[], since: number): readonly Seen[] {
  let acknowledged = 0
  return seen.filter(({ t, sent, length, sequence, acknowledgment }) => {
    if (!sent) acknowledged = acknowledgment
    return t > since && sent && length === 0 && sequence === acknowledged - 1
  })
}

/** Whether so many probes were sent, and something came behind the last. */
function answered(seen: readonly Seen[], since: number, probes: number): true | undefined {
  const last = probesOf(seen, since)[probes - 1]
  return last !== undefined && seen.some(({ t, sent }) => !sent && t > last.t) ? true : undefined
}
