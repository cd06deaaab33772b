/** The congestion window of three algorithms over the same bottleneck, which loses the same packets. RFC 5681, RFC 9438 */
import { readFileSync } from 'node:fs'
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { CONGESTION_STATES, TcpInfoWatch } from '../../src/lab/tcp-info.js'
import type { Wire } from '../../src/lab/wire.js'
import type { Actor } from '../../src/stage/actor.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { ALGORITHMS, type Algorithm, checkCourse } from './support/congestion-checks.js'
import { courseOf } from './support/congestion-course.js'
import { connected } from './support/connected.js'
import { waitAtLeast } from './support/patient-timer.js'

const ONE_WAY_MS = 25
const ROUND_TRIP_MS = 2 * ONE_WAY_MS
/** A packet in 2 ms: 25 of them fill the wire. */
const BYTES_PER_MS = 750
const SEGMENT_BYTES = 1448
const SEGMENTS = 1000
/** The first in the third round of slow start, the others after some rounds of growth each. */
export const LOST_PACKETS = [60, 350, 700] as const
export const PORTS: Readonly<Record<Algorithm, number>> = { reno: 7001, cubic: 7002, bbr: 7003 }

export default defineStory({
  name: 'congestion',
  title: 'Slow start, fast retransmit, fast recovery, congestion avoidance',
  prediction:
    'reno doubles its window each round trip, halves it at a loss without waiting for a timeout, then adds one segment a round trip; cubic keeps seven tenths; bbr minds no single loss',
  citation: 'RFC 5681, 3.1 and 3.2; RFC 6937 and RFC 8985 (how Linux recovers); RFC 9438, 4.6; tcp(7), TCP_CONGESTION and TCP_INFO',
  slow: true,
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    network.link.rate = BYTES_PER_MS
    await makeRoom(network)
    const people = { client: await network.A.actor('sender'), server: await network.B.actor('receiver') }
    const available = readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'latin1').trim().split(' ')
    for (const algorithm of ALGORITHMS)
      if (available.includes(algorithm)) {
        await transfer(lab, network, people, algorithm)
        checkCourse(lab, algorithm, courseOf(lab.recorder.events, PORTS[algorithm], algorithm))
      } else lab.intend(`This kernel has no ${algorithm}: left out.`)
  },
})

/**
 * Neither buffer is to limit the sender, no connection is to begin with what an earlier one learned, and nothing is to be
 * sent twice that was not lost: no probe of the tail. ip-sysctl
 */
async function makeRoom({ A, B }: Network): Promise<void> {
  const room = `4096 ${8 << 20} ${8 << 20}`
  await A.sysctl('net.ipv4.tcp_wmem', room)
  await B.sysctl('net.ipv4.tcp_rmem', room)
  await A.sysctl('net.ipv4.tcp_no_metrics_save', 1)
  await A.sysctl('net.ipv4.tcp_early_retrans', 0)
  await waitAtLeast(A, 1000)
}

interface People {
  readonly client: Actor
  readonly server: Actor
}

/** Sends so many segments over a connection with this algorithm; what the kernel tells of it is written into the trace. */
async function transfer(lab: Lab, network: Network<Wire>, { client, server }: People, algorithm: Algorithm): Promise<void> {
  const port = PORTS[algorithm]
  lab.intend(
    `${algorithm}: ${SEGMENTS} segments over a round trip of ${ROUND_TRIP_MS} ms and ${(8 * BYTES_PER_MS) / 1000} Mbit/s; the data packets ${LOST_PACKETS.join(', ')} are lost.`,
  )
  const { fd, accepted } = await connected(lab, network, { client, server, port, algorithm })
  for (const number of LOST_PACKETS) network.link.drop({ from: 'A', payload: true, destinationPort: port }, { after: number - 1 })
  const observer = await lab.stage.story.hush(() => client.spawn('observer'))
  const watch = new TcpInfoWatch(
    observer,
    fd,
    'A',
    lab.recorder,
    ({ congestionState, slowStartThreshold, congestionWindow, roundTripMs }) => ({
      [`ca_state ${algorithm}`]: CONGESTION_STATES.indexOf(congestionState),
      [`ssthresh ${algorithm}`]: slowStartThreshold,
      [`cwnd ${algorithm}`]: congestionWindow,
      [`rtt (ms) ${algorithm}`]: roundTripMs,
    }),
  )
  const reading = server.begin(call('recv', accepted, SEGMENTS * SEGMENT_BYTES, K.MSG_WAITALL))
  await client.must(call('send', fd, filling(SEGMENTS * SEGMENT_BYTES), 0))
  const { result } = await reading.outcome
  await watch.close()
  lab.expect(result === SEGMENTS * SEGMENT_BYTES, 'all of it came')
}
