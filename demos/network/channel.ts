/** The library's own channels over the wire of the lab: what delay, loss and a peer that is gone do to them. */
import type { Lab, Network } from '../../src/lab/lab.js'
import type { Side } from '../../src/lab/packet.js'
import { defineStory } from '../../src/lab/story.js'
import type { Wire } from '../../src/lab/wire.js'
import { until } from '../../src/stage/actor-process.js'
import { killed, silent, watched } from './channel/cut.js'
import { meet, type Scheme } from './channel/pair.js'

const ONE_WAY_MS = 25
const ROUND_TRIP_MS = 2 * ONE_WAY_MS
/** A timer may be early by a part of a millisecond, each way. */
const LEAST_MS = ROUND_TRIP_MS - 2
const LOSS = 0.15
const MESSAGES = 100
/** What is shorter is how UDP's two sides meet. */
const LEAST_BYTES = 100

export default defineStory({
  name: 'channel',
  title: 'A Channel of the library over a wire with delay, loss and a cut',
  prediction:
    'a message takes the time of the wire; TCP loses none, UDP those that the wire loses; a peer that dies inside a message is told at once, one that falls silent only to whoever set a time for it',
  citation: 'docs/wire.md; RFC 9293, 3.8; tcp(7), SO_KEEPALIVE, TCP_USER_TIMEOUT; udp(7)',
  slow: true,
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    await lab.stage.story.hush(async () => {
      for (const host of [network.A, network.B]) await host.sysctl('net.ipv4.tcp_congestion_control', 'reno')
    })
    for (const scheme of ['tcp', 'udp'] as const) await roundTrips(lab, network, scheme)
    for (const scheme of ['tcp', 'udp'] as const) await losses(lab, network, scheme)
    await killed(lab, network)
    await silent(lab, network)
    await watched(lab, network)
  },
})

const PORTS = { tcp: 7001, udp: 7002 } as const

async function roundTrips(lab: Lab, network: Network<Wire>, scheme: Scheme): Promise<void> {
  lab.intend(`A Channel over ${scheme.toUpperCase()}; the wire takes ${ONE_WAY_MS} ms each way.`)
  const { sender, receiver, connectMs } = await meet(lab, network, scheme, PORTS[scheme])
  const began = lab.recorder.now()
  const times: number[] = []
  const echoing = receiver.do({ do: 'echo', times: 10 })
  for (let turn = 0; turn < 10; turn++) {
    const { ms } = await sender.do({ do: 'ask', bytes: LEAST_BYTES })
    times.push(ms)
    lab.recorder.write({ sample: { name: `round trip (ms) ${scheme}`, value: ms } })
  }
  await echoing
  const fastest = Math.min(...times)
  const [there, back] = [onWire(lab, 'A', scheme, began).sent, onWire(lab, 'B', scheme, began).sent]
  lab.expect(
    connectMs > LEAST_MS,
    `connect() took ${connectMs.toFixed(0)} ms: ${scheme === 'tcp' ? 'SYN and SYN ACK' : 'a hello and its answer'}, a round trip`,
  )
  lab.expect(there === 10 && back === 10, `ten messages and their answers are ${there} packets there, ${back} back: each a round trip`)
  lab.expect(fastest > LEAST_MS, `the fastest took ${fastest.toFixed(1)} ms, the wire’s ${ROUND_TRIP_MS} ms and what the programs need`)
  await Promise.all([sender.kill(), receiver.kill()])
}

async function losses(lab: Lab, network: Network<Wire>, scheme: Scheme): Promise<void> {
  const { link } = network
  lab.intend(`${MESSAGES} messages over ${scheme.toUpperCase()}, and a wire that loses ${100 * LOSS} of 100 packets.`)
  const { sender, receiver } = await meet(lab, network, scheme, PORTS[scheme])
  const began = lab.recorder.now()
  const collecting = receiver.do({ do: 'collect' })
  link.loss = LOSS
  await sender.do({ do: 'send', count: MESSAGES, bytes: 5 * LEAST_BYTES })
  if (scheme === 'udp') {
    await until(() => onWire(lab, 'A', scheme, began).sent === MESSAGES)
    link.loss = 0 // for the message that says that there are no more
  }
  await sender.do({ do: 'finish' })
  const { numbers = [], whole } = await collecting
  link.loss = 0
  const { lost } = onWire(lab, 'A', scheme, began)
  lab.recorder.write({ sample: { name: `packets lost ${scheme}`, value: lost } })
  lab.recorder.write({ sample: { name: `messages received ${scheme}`, value: numbers.length } })
  lab.expect(lost > 0, `the wire lost ${lost} packets with bytes of the user`)
  const inOrder = numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))
  lab.expect(whole === true && inOrder, 'what came is whole, byte for byte, and in the order in which it was sent')
  lab.expect(
    numbers.length === (scheme === 'tcp' ? MESSAGES : MESSAGES - lost),
    scheme === 'tcp'
      ? `all ${MESSAGES} came: TCP sent again what was lost`
      : `${numbers.length} came: each datagram that the wire lost is a message lost`,
  )
  await Promise.all([sender.kill(), receiver.kill()])
}

/** Packets of one side that carry messages: how many, but for those sent again, and how many were lost. */
function onWire(lab: Lab, from: Side, protocol: Scheme, since: number): { readonly sent: number; readonly lost: number } {
  const { events } = lab.recorder.trace('', '', '')
  const packets = events.flatMap(({ t, side, packet }) => (t >= since && side === from && packet !== undefined ? packet : []))
  const own = packets.filter((packet) => packet.protocol === protocol && packet.length >= LEAST_BYTES)
  return {
    sent: new Set(own.map(({ sequence, number }) => sequence ?? number)).size,
    lost: own.filter(({ fate }) => fate === 'lost').length,
  }
}
