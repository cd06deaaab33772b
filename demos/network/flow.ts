/** The sliding window: the receiver says how much it takes, and that is how fast the sender is. RFC 9293, 3.8.6 */
import { roundsOf, type Seen, seenBy } from '../../src/lab/seen.js'
import { defineStory } from '../../src/lab/story.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { slideOf } from './support/slide.js'
import { RECEIVE_BUFFER, windowed } from './support/windowed.js'

const PORT = 7010
const ONE_WAY_MS = 25
const ROUND_TRIP_MS = 2 * ONE_WAY_MS
const BYTES = 120_000

export default defineStory({
  name: 'flow',
  title: 'The sliding window',
  prediction:
    'however fast the program writes, one window of bytes leaves each round trip: the sender never passes the right edge that the receiver drew last, and that edge never moves back',
  citation: 'RFC 9293, 3.8.6; Stevens, TCP/IP Illustrated 1, chapter 20; tcp(7), SO_RCVBUF in socket(7)',
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    lab.intend(
      `A round trip takes ${ROUND_TRIP_MS} ms; the receiver has a buffer of ${RECEIVE_BUFFER} bytes (SO_RCVBUF), and reads at once.`,
    )
    const { client, server, fd, accepted, own, watch } = await windowed(lab, network, PORT, BYTES)

    lab.intend(`The sender writes ${BYTES} bytes at once.`)
    const reading = server.begin(call('recv', accepted, BYTES, K.MSG_WAITALL))
    await client.must(call('send', fd, filling(BYTES), 0))
    const { result } = await reading.outcome
    await watch.close()
    await network.A.tcp.until('everything acknowledged', (row) => own(row) && row.sendQueue === 0)
    lab.expect(result === BYTES, `all ${result} bytes are there`)

    const seen = seenBy(lab.recorder.events, 'A', PORT)
    const { window, largestFlight, beyond, back } = slideOf(seen)
    lab.expect(beyond === 0, 'the window’s right edge is ACK + window: no byte was sent beyond the newest one known')
    lab.expect(back === 0, 'the right edge only ever moved to the right')
    lab.expect(
      Math.abs(largestFlight / window - 1) <= 0.2,
      `never more than ${largestFlight} bytes on the wire, for a window of ${window}: the sender always had more to send`,
    )
    const [windows, rounds] = [BYTES / window, roundsOf(seen).filter(({ packets }) => packets > 0).length]
    lab.expect(
      Math.abs(rounds / windows - 1) <= 0.2,
      `${BYTES} bytes are ${windows.toFixed(1)} windows, and took ${rounds} round trips: one window each`,
    )
    const ms = elapsed(seen)
    lab.expect(
      ms >= 0.8 * windows * ROUND_TRIP_MS,
      `no faster than that: ${ms.toFixed(0)} ms, ${(BYTES / ms).toFixed(0)} bytes a millisecond`,
    )
    lab.intend(
      `Window ÷ round trip is the limit on whatever line: ${window} ÷ ${ROUND_TRIP_MS} = ${(window / ROUND_TRIP_MS).toFixed(0)} bytes a millisecond here.`,
    )
  },
})

/** From the first byte that left to the acknowledgement of the last. */
const elapsed = (seen: readonly Seen[]): number => {
  const [first, last] = [seen.find(({ sent, length }) => sent && length > 0), seen.findLast(({ sent }) => !sent)]
  return (last?.t ?? 0) - (first?.t ?? 0)
}
