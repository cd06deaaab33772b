/** The congestion window of three algorithms on the same wire, which loses the same packet. RFC 5681, RFC 9438 */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { TcpRow } from '../../src/lab/tcp-state.js'
import type { Trace } from '../../src/lab/trace.js'
import type { Wire } from '../../src/lab/wire.js'
import { inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call, filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'

const ONE_WAY_MS = 25
const ROUND_TRIP_MS = 2 * ONE_WAY_MS
/** Behind some doublings of the window. */
const LOST_PACKET = 200
const SEGMENTS = 1800
const SEGMENT_BYTES = 1448

export const ALGORITHMS = ['reno', 'cubic', 'bbr'] as const
const PORTS: Readonly<Record<string, number>> = { reno: 7001, cubic: 7002, bbr: 7003 }

export default defineStory({
  name: 'congestion',
  title: 'Slow start, fast retransmit, fast recovery, congestion avoidance',
  prediction:
    'reno doubles its window each round trip, halves it at a loss without waiting for a timeout, then adds one segment a round trip; cubic gives up less; bbr minds no single loss',
  citation: 'RFC 5681, 3.1 and 3.2; RFC 9438, 4.6; tcp(7), TCP_CONGESTION',
  slow: true,
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    for (const algorithm of ALGORITHMS) if ((await transfer(lab, network, algorithm)) && algorithm === 'reno') checkReno(lab)
  },
})

/** Sends so many segments over a connection with this algorithm; its window is written into the trace. */
async function transfer(lab: Lab, { A, B, link }: Network<Wire>, algorithm: string): Promise<boolean> {
  const port = PORTS[algorithm] ?? 0
  lab.intend(
    `${algorithm}: ${SEGMENTS} segments over a round trip of ${ROUND_TRIP_MS} ms; the data packet ${LOST_PACKET + 1} is lost, once.`,
  )
  const [sender, receiver] = [await A.actor(`${algorithm} sender`), await B.actor(`${algorithm} receiver`)]
  const { result: listening } = await receiver.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  await receiver.must(call('bind', listening, inetAddress(B.address, port)))
  await receiver.must(call('listen', listening, 1))
  const { result: fd } = await sender.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  const chosen = await sender.do(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_CONGESTION, new TextEncoder().encode(algorithm)))
  if (chosen.error !== undefined) {
    lab.intend(`This kernel has no ${algorithm} (${chosen.error}): left out.`)
    return false
  }
  const own = ({ remote, state }: TcpRow) => remote === `${B.address}:${port}` && state === 'ESTABLISHED'
  A.tcp.follow(`cwnd ${algorithm}`, (row) => (own(row) ? row.congestionWindow : undefined))
  A.tcp.follow(`ssthresh ${algorithm}`, (row) => (own(row) ? row.slowStartThreshold : undefined))
  link.drop({ from: 'A', payload: true, destinationPort: port }, { after: LOST_PACKET })
  await sender.must(call('connect', fd, inetAddress(B.address, port)))
  const { result: accepted } = await receiver.must(call('accept', listening, 0))
  const reading = receiver.begin(call('recv', accepted, 1 << 16, 0), SEGMENTS * SEGMENT_BYTES)
  await sender.must(call('send', fd, filling(SEGMENTS * SEGMENT_BYTES), 0))
  await A.tcp.until('everything acknowledged', (row) => own(row) && row.sendQueue === 0)
  await sender.must(call('shutdown', fd, K.SHUT_WR))
  await receiver.kill() // it reads the end for ever
  await reading.outcome.catch(() => {})
  return true
}

function checkReno(lab: Lab): void {
  const { windows, threshold } = windowsOf(lab.recorder.trace('', '', ''), 'reno')
  const peak = Math.max(...windows.slice(0, windows.indexOf(threshold)))
  const [first = 0, ...rising] = windows.slice(0, windows.indexOf(peak) + 1)
  lab.expect(first === 10 && rising.length >= 3, `slow start: ${[first, ...rising].join(' → ')}, by a segment for each one acknowledged`)
  lab.expect(near(threshold, peak / 2), `the loss halves it: ssthresh ${threshold} at a window of ${peak}`)
  lab.expect(Math.min(...windows) === 10, 'it never fell to one segment: duplicate acknowledgements told of the loss, no timer did')
  const avoiding = windows.slice(windows.indexOf(threshold))
  lab.expect(
    avoiding.length > 2 && avoiding.every((window, at) => at === 0 || window === (avoiding[at - 1] ?? 0) + 1),
    `congestion avoidance: ${avoiding.slice(0, 5).join(' → ')} …, one segment a round trip`,
  )
}

const near = (value: number, wanted: number): boolean => Math.abs(value / wanted - 1) <= 0.2

/** How the window went, and the threshold that the loss set. */
export function windowsOf({ events }: Trace, algorithm: string): { readonly windows: readonly number[]; readonly threshold: number } {
  const valuesOf = (name: string) => events.flatMap(({ sample }) => (sample?.name === `${name} ${algorithm}` ? sample.value : []))
  return { windows: valuesOf('cwnd'), threshold: valuesOf('ssthresh')[0] ?? 0 }
}
