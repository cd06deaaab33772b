/** HTTP/2: many streams on one connection, told apart by frames; and what TCP below does to all of them. RFC 9113 */

import { Conversation, type Said } from '../../src/lab/conversation.js'
import { http2Decoder } from '../../src/lab/http2-frames.js'
import type { Lab, Network } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Wire } from '../../src/lab/wire.js'
import type { NodeProcess } from '../../src/stage/node-process.js'
import type { Read } from './support/http2-client.js'
import { start, tells } from './support/programs.js'
import { stallOf } from './support/stall.js'

const PORT = 8082
const ONE_WAY_MS = 25
const LARGE = 100_000
/** Of the third scene: so many data packets pass before the one that is lost. */
const BEFORE_LOSS = 4

interface Scene {
  readonly lab: Lab
  readonly network: Network<Wire>
  readonly server: NodeProcess
  readonly client: NodeProcess
  readonly frames: Conversation
}

export default defineStory({
  name: 'http2',
  title: 'Streams of HTTP/2 on one connection of TCP',
  prediction:
    'frames of several answers alternate on one connection, and a fast answer overtakes a slow one; but a single lost packet keeps all streams waiting, for TCP hands on bytes in order alone',
  citation: 'RFC 9113, 4.1, 5.1.1, 5.2 and 6; RFC 9293, 3.4; RFC 9114, 1.1',
  async play(lab) {
    const network = await lab.wired()
    network.link.delay = ONE_WAY_MS
    const frames = new Conversation(http2Decoder, lab.recorder)
    network.link.onPacket = (packet) => frames.hear(packet)
    const server = await start(lab, network.B, 'server', 'http2-server', network.B.address, PORT)
    await tells(server, 'listens')
    const client = await start(lab, network.A, 'client', 'http2-client', network.B.address, PORT)
    await tells(client, 'is connected')
    const scene = { lab, network, server, client, frames }
    await interleaved(scene)
    await overtaking(scene)
    await lossBelow(scene)
  },
})

/** Asks for the paths at once, and lets them be answered in this order when all are there. */
async function ask({ server, client }: Scene, asked: readonly string[], answered = asked): Promise<void> {
  client.ask(asked)
  for (const _ of asked) await server.told()
  server.ask(answered)
}

/** Reads until so many answers are whole; the order in which they were. */
async function read({ client, lab }: Scene, answers: number): Promise<readonly string[]> {
  const whole: string[] = []
  await lab.stage.story.hush(async () => {
    while (whole.length < answers) {
      const { path, bytes, end } = (await client.told()) as Read
      if (end) whole.push(path)
      else lab.recorder.write({ side: 'A', sample: { name: `read (bytes) ${path}`, value: bytes } })
    }
  })
  return whole
}

async function interleaved(scene: Scene): Promise<void> {
  const { lab, frames } = scene
  lab.intend(`Three answers of ${LARGE} bytes at once, over one connection. The frames on the wire; before the colon is their stream:`)
  await ask(
    scene,
    ['a', 'b', 'c'].map((name) => `/${LARGE}/${name}`),
  )
  await read(scene, 3)
  for (const text of ladder(frames.said)) lab.stage.observe(text)
  const data = streamsOf(frames.said)
  const switches = data.filter((stream, at) => at > 0 && stream !== data[at - 1]).length
  lab.expect(
    [...new Set(data)].sort().join() === '1,3,5' && switches > 3,
    `streams 1, 3 and 5, which are the client’s, alternate: ${switches} switches in ${data.length} frames of DATA`,
  )
  const updates = frames.said.filter(({ side, text }) => side === 'A' && text === 'WINDOW_UPDATE').length
  lab.expect(
    updates > 0,
    `each stream and the connection has a window of 65,535 bytes: the client opened them ${updates} times with WINDOW_UPDATE`,
  )
}

async function overtaking(scene: Scene): Promise<void> {
  const { lab, server } = scene
  lab.intend('Two requests, of which the first is slow: the server answers the second.')
  const [slow, fast] = ['/5/slow', '/5/fast']
  await ask(scene, [slow, fast], [fast])
  const [first] = await read(scene, 1)
  server.ask([slow])
  const [second] = await read(scene, 1)
  lab.expect(first === fast && second === slow, '/fast comes while /slow is still being made: a frame says whose it is. HTTP/1.1 could not')
}

async function lossBelow(scene: Scene): Promise<void> {
  const { lab, network } = scene
  lab.intend(`Three large answers again, and the data packet ${BEFORE_LOSS + 1} is lost, once.`)
  const since = lab.recorder.now()
  network.link.drop({ from: 'B', payload: true }, { after: BEFORE_LOSS })
  await ask(
    scene,
    ['d', 'e', 'f'].map((name) => `/${LARGE}/${name}`),
  )
  await read(scene, 3)
  const stall = stallOf(lab.recorder.trace('', '', ''), since)
  lab.expect(
    stall.arrivedBehind > stall.sentBefore && stall.streamsBehind > 1,
    `${stall.arrivedBehind} bytes behind it, of ${stall.streamsBehind} streams, arrived within ${Math.round(stall.ms)} ms, before it was there again`,
  )
  lab.expect(
    stall.read <= stall.sentBefore,
    `until then the client had read ${stall.read} bytes: those before it. No stream went on. QUIC gives each stream an order of its own`,
  )
}

const streamsOf = (said: readonly Said[]): readonly (number | undefined)[] =>
  said.flatMap(({ text, stream }) => (text.startsWith('DATA') ? [stream] : []))

/** Frames of one side that follow each other in one line: `B  HEADERS 1, DATA 1, DATA 3`. */
function ladder(said: readonly Said[]): readonly string[] {
  const lines: { readonly side: string; readonly words: string[] }[] = []
  for (const { side, text, stream } of said) {
    const last = lines.at(-1)
    const words = last?.side === side ? last.words : []
    if (last?.side !== side) lines.push({ side, words })
    words.push(stream === 0 ? text : `${stream}: ${text}`)
  }
  return lines.map(({ side, words }) => `${side === 'A' ? 'client' : 'server'}  ${words.join(', ')}`)
}
