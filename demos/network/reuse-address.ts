/** A server ends and is started again, while a connection of the old one is in TIME_WAIT. socket(7) SO_REUSEADDR */
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { type Constant, call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { accepted, dial, listener, reaches, tryToListen, vanishes } from './support/connection.js'

const NONE: readonly Constant[] = []
const REUSE = [K.SO_REUSEADDR]

/** The ways to start twice, each on a port of its own. */
const STARTS = [
  { port: 7001, first: NONE, second: NONE, answer: 'EADDRINUSE', words: 'neither server sets SO_REUSEADDR' },
  { port: 7002, first: NONE, second: REUSE, answer: 'EADDRINUSE', words: 'the new one alone sets it' },
  { port: 7003, first: REUSE, second: NONE, answer: 'EADDRINUSE', words: 'the old one alone had set it' },
  { port: 7004, first: REUSE, second: REUSE, answer: undefined, words: 'both set it, as every server should' },
] as const

export default defineStory({
  name: 'reuse-address',
  title: 'SO_REUSEADDR: a server starts again',
  prediction:
    'while a connection of the old server is in TIME_WAIT, bind() of the new one fails with EADDRINUSE unless both set SO_REUSEADDR; two can never listen at once',
  citation: 'socket(7), SO_REUSEADDR; ip(7); RFC 9293, 3.6.1; Stevens, UNP 1, 7.5',
  async play(lab) {
    const network = await lab.joined()
    const client = await network.A.actor('client')
    for (const start of STARTS) await restart(lab, network, client, start)
    await clientClosesFirst(lab, network, client)
    await twoAtOnce(lab, network)
  },
})

/** A server that is serving this client. */
const serving = (lab: Lab, { A, B }: Network, client: Actor, port: number, options: readonly Constant[]) =>
  lab.stage.story.hush(async () => {
    const old = await B.actor('old server')
    const listening = await listener(old, B, { port, options })
    return { old, here: await dial(client, A, B, port), there: await accepted(old, B, listening) }
  })

/** What a new server on this port meets. */
async function starts(lab: Lab, { B }: Network, port: number, options: readonly Constant[]): Promise<string | undefined> {
  const server = await lab.stage.story.hush(() => B.actor('new server'))
  return (await tryToListen(server, B, { port, options })).error
}

async function restart(lab: Lab, network: Network, client: Actor, { port, first, second, answer, words }: (typeof STARTS)[number]) {
  lab.intend(`Port ${port}: ${words}.`)
  const { old, here, there } = await serving(lab, network, client, port, first)
  await old.kill()
  await reaches(here, 'CLOSE_WAIT')
  await client.must(call('close', here.fd))
  await reaches(there, 'TIME_WAIT')
  lab.stage.observe(`the kernel closed what it had, so it closed first: ${there.own} is in TIME_WAIT`)
  const error = await starts(lab, network, port, second)
  lab.expect(error === answer, error === undefined ? 'the new server listens' : `the new server cannot have its port: ${error}`)
}

async function clientClosesFirst(lab: Lab, network: Network, client: Actor): Promise<void> {
  const port = 7005
  lab.intend(`Port ${port}: neither sets it, but the client closes first.`)
  const { old, here, there } = await serving(lab, network, client, port, NONE)
  await client.must(call('close', here.fd))
  await reaches(there, 'CLOSE_WAIT')
  await old.kill()
  await reaches(here, 'TIME_WAIT')
  await vanishes(there)
  const error = await starts(lab, network, port, NONE)
  lab.expect(error === undefined, 'TIME_WAIT is at the client, where the port is one of thousands; the new server listens')
}

async function twoAtOnce(lab: Lab, network: Network): Promise<void> {
  const port = 7006
  lab.intend(`Port ${port}: both set it, and the first is still there.`)
  const first = await lab.stage.story.hush(() => network.B.actor('first server'))
  await listener(first, network.B, { port, options: REUSE })
  const error = await starts(lab, network, port, REUSE)
  lab.expect(error === 'EADDRINUSE', 'a port that somebody listens on is taken: EADDRINUSE (to share it: make lab-reuse-port)')
}
