/** A round trip over a unix socket and over TCP's loopback, by turns: what each costs of processor time. */
import { ratioOf } from '../../../src/bench/ratio.js'
import type { Lab } from '../../../src/lab/lab.js'
import { bound, connected, inetAddress, LOOPBACK, unixAddress } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { type Constant, call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import { medianOf } from '../../../src/statistics/sample.js'
import { callsOf, totalOf } from './echo.js'

const ROUNDS = 25
const ROUND_TRIPS = 500
const BYTES = 64
const PORT = 7200

const WAYS = ['unix', 'tcp'] as const
type Way = (typeof WAYS)[number]

interface Connection {
  readonly accepted: number
  readonly connected: number
}

export async function compareWithTcp(lab: Lab, server: Actor, client: Actor): Promise<void> {
  lab.intend(
    `${BYTES} bytes there and back over SOCK_STREAM and over TCP: ${ROUNDS} rounds of ${ROUND_TRIPS} by turns, both processes on one processor.`,
  )
  const spent: Readonly<Record<Way, number[]>> = { unix: [], tcp: [] }
  const calls = new Set<number>()
  await lab.stage.story.hush(async () => {
    for (const actor of [server, client]) await actor.must(call('pin', 0))
    const unix = await connection(server, client, K.AF_UNIX, unixAddress('\0round trips'))
    const tcp = await connection(server, client, K.AF_INET, inetAddress(LOOPBACK, PORT))
    const ways = { unix, tcp }
    for (let round = 0; round < ROUNDS; round++)
      // Who is first may be the colder one.
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        const { micros, systemCalls } = await turn(server, client, ways[way])
        spent[way].push(micros)
        calls.add(systemCalls)
        lab.recorder.write({ sample: { name: `${way}: µs of processor time a round trip`, value: micros } })
      }
  })
  const { value, low, high } = ratioOf([spent.unix], [spent.tcp])
  for (const [name, figure] of Object.entries({ value, low, high }))
    lab.recorder.write({ sample: { name: `unix to tcp: ${name}`, value: figure } })
  lab.expect(calls.size === 1 && calls.has(4), 'both take 4 system calls a round trip, two reads and two writes')
  const [unix, tcp] = [medianOf(spent.unix), medianOf(spent.tcp)]
  lab.expect(
    high < 1,
    `processor time of both processes: ${unix.toFixed(1)} µs over unix, ${tcp.toFixed(1)} µs over TCP: ${value.toFixed(2)} times (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`,
  )
}

async function connection(server: Actor, client: Actor, domain: Constant, name: Uint8Array): Promise<Connection> {
  const { fd, address } = await bound(server, domain, K.SOCK_STREAM, name)
  await server.must(call('listen', fd, 1))
  const end = await connected(client, domain, K.SOCK_STREAM, address)
  return { accepted: (await server.must(call('accept', fd, 0))).result, connected: end }
}

/** One round over one of the two, what both processes spent of it on a round trip. */
async function turn(server: Actor, client: Actor, { accepted, connected }: Connection) {
  const echoing = server.begin(call('echo', 'blocking', accepted, ROUND_TRIPS, 0))
  const both = [await client.must(call('talk', connected, ROUND_TRIPS, BYTES)), await echoing.outcome]
  const sum = (figures: readonly number[]) => figures.reduce((all, one) => all + one, 0) / ROUND_TRIPS
  return {
    micros: sum(both.map((one) => one.number('processor-ns') / 1000)),
    systemCalls: sum(both.map((one) => totalOf(callsOf(one)))),
  }
}
