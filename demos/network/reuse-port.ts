/** Several processes listen on one port, and the kernel deals out the connections. socket(7) SO_REUSEPORT */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'
import { caller, connects, type End, isOf, listener, PORT, tryToListen } from './support/connection.js'

export const CLIENTS = 40
/** The hash deals as a coin does: so few of 40 fall to one side once in a million runs. */
export const FEW = 5
const WAITING = 20
const SHARED = [K.SO_REUSEPORT]

export default defineStory({
  name: 'reuse-port',
  title: 'SO_REUSEPORT: processes share a port',
  prediction:
    'processes of one user that all set it listen on one port; each connection goes to one of them by a hash of its addresses, about evenly; what waits for a process that ends is reset',
  citation: 'socket(7), SO_REUSEPORT; ip-sysctl.rst, tcp_migrate_req; https://lwn.net/Articles/542629/',
  async play(lab) {
    const network = await lab.joined()
    const client = await network.A.actor('clients')
    const workers = [await network.B.actor('worker 1'), await network.B.actor('worker 2')] as const
    lab.intend(`Two workers set SO_REUSEPORT, bind to port ${PORT}, and listen.`)
    const listening: number[] = []
    for (const worker of workers) listening.push(await listener(worker, network.B, { options: SHARED, backlog: CLIENTS }))
    await strangers(lab, network)
    await deal(lab, network, client, workers, listening)
    await oneEnds(lab, network, client, workers)
  },
})

async function strangers(lab: Lab, { B }: Network): Promise<void> {
  lab.intend('Others want the port too.')
  const plain = await tryToListen(await B.actor('late comer'), B)
  lab.expect(plain.error === 'EADDRINUSE', 'who does not set it may not: EADDRINUSE')
  const other = await B.actor('worker of another user')
  try {
    await lab.stage.demote(other)
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    lab.intend(`Another user is left out: ${error.message}`)
    return
  }
  const { error } = await tryToListen(other, B, { options: SHARED })
  lab.expect(error === 'EADDRINUSE', 'another user may not either, so that nobody can steal connections: EADDRINUSE')
}

/** All at once: none waits for its handshake. */
const callers = (lab: Lab, { A, B }: Network, client: Actor, count: number): Promise<readonly End[]> =>
  lab.stage.story.hush(() =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const one = await caller(client, A, B, { waits: false })
        await connects(one)
        return one
      }),
    ),
  )

/** How many connections wait behind each listener. */
const queues = ({ B }: Network): readonly number[] => B.tcp.rows.filter(({ state }) => state === 'LISTEN').map((row) => row.receiveQueue)

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

async function deal(lab: Lab, network: Network, client: Actor, workers: readonly Actor[], listening: readonly number[]): Promise<void> {
  lab.intend(`${CLIENTS} clients connect. Then each worker accepts whatever it has.`)
  await callers(lab, network, client, CLIENTS)
  await network.B.tcp.until('every connection', () => sum(queues(network)) === CLIENTS)
  const counts: number[] = []
  for (const [at, worker] of workers.entries()) {
    const fd = listening[at] ?? 0
    await worker.must(call('fcntl', fd, K.F_SETFL, K.O_NONBLOCK))
    const { times } = await worker.repeat(CLIENTS, call('accept', fd, 0))
    lab.recorder.write({ side: 'B', sample: { name: `${worker.role}: accepted`, value: times } })
    counts.push(times)
  }
  lab.expect(
    sum(counts) === CLIENTS && counts.every((count) => count > FEW),
    `${counts.join(' and ')}: each connection belongs to one of them from its SYN on, by a hash of addresses and ports`,
  )
}

async function oneEnds(lab: Lab, network: Network, client: Actor, [staying, ending]: readonly [Actor, Actor]): Promise<void> {
  lab.intend(`${WAITING} more connect, and before anybody accepts them, ${ending.role} is killed.`)
  const waiting = await callers(lab, network, client, WAITING)
  await network.B.tcp.until('every connection', () => sum(queues(network)) === WAITING)
  await ending.kill()
  await network.B.tcp.until('one listener', () => queues(network).length === 1)
  const [left = 0] = queues(network)
  const alive = () => waiting.filter((one) => network.A.tcp.rows.some(isOf(one)))
  await network.A.tcp.until('the resets', () => alive().length === left)
  const lost = waiting.find((one) => !alive().includes(one))
  if (lost !== undefined) {
    const { error } = await client.do(call('recv', lost.fd, 64, 0))
    lab.expect(
      error === 'ECONNRESET',
      `${WAITING - left} of them waited for it, and were reset: ECONNRESET (unless net.ipv4.tcp_migrate_req is 1)`,
    )
  }
  await callers(lab, network, client, WAITING)
  await network.B.tcp.until('every connection', () => sum(queues(network)) === left + WAITING)
  lab.stage.observe(`the next ${WAITING} all go to ${staying.role}`)
}
