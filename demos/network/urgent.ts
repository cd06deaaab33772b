/** Urgent data: a mark in the stream, and one byte beside it that a later one overwrites. RFC 6093 */
import type { Lab, Network } from '../../src/lab/lab.js'
import { seenBy } from '../../src/lab/seen.js'
import { defineStory } from '../../src/lab/story.js'
import type { Wire } from '../../src/lab/wire.js'
import { int } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { type Constant, call, filling } from '../../src/stage/call.js'
import { either, K } from '../../src/stage/constants.js'
import { connected } from './support/connected.js'

export const PORTS = { mark: 7030, overwritten: 7031, vanished: 7032, inline: 7033, announced: 7034 } as const

export default defineStory({
  name: 'urgent',
  title: 'Urgent data: the mark, the byte, and how it is lost',
  prediction:
    'a read stops at the mark; of what is sent “out of band” only the last byte is urgent, and there is room for one: the next pushes it into the stream, or out of the world; the signal comes through a closed window',
  citation: 'RFC 9293, 3.8.5; RFC 6093; tcp(7); recv(2), MSG_OOB; socket(7), SO_OOBINLINE and SIGURG; sockatmark(3)',
  async play(lab) {
    const network = await lab.wired()
    const scene = { lab, network, client: await network.A.actor('client'), server: await network.B.actor('server') }
    await mark(scene)
    await overwritten(scene)
    await vanished(scene)
    await inline(scene)
    await announced(scene)
  },
})

interface Scene {
  readonly lab: Lab
  readonly network: Network<Wire>
  readonly client: Actor
  readonly server: Actor
}

type Write = readonly [text: string, flags?: Constant]

/** A connection over which these writes have come: each in a packet of its own, all of them with the server's kernel. */
async function written(
  { lab, network, client, server }: Scene,
  port: number,
  writes: readonly Write[],
  prepare?: (fd: number) => Promise<void>,
) {
  const { fd, accepted } = await connected(lab, network, { client, server, port })
  await lab.stage.story.hush(() => client.must(call('setsockopt', fd, K.IPPROTO_TCP, K.TCP_NODELAY, int(1))))
  await prepare?.(accepted)
  for (const [text, flags = 0] of writes) await client.must(call('send', fd, text, flags))
  network.A.tcp.look()
  await network.A.tcp.until('all acknowledged', ({ remote, sendQueue }) => remote.endsWith(`:${port}`) && sendQueue === 0)
  return accepted
}

const atMark = async (server: Actor, fd: number) => (await server.must(call('ioctl', fd, K.SIOCATMARK))).number('value') === 1
const read = async (server: Actor, fd: number) => (await server.must(call('recv', fd, 16, 0))).text
const readUrgent = (server: Actor, fd: number) => server.do(call('recv', fd, 16, K.MSG_OOB))

/** The signal is for who owns the descriptor. */
const ownedBy = (server: Actor) => async (fd: number) => {
  await server.handle(K.SIGURG.value)
  await server.must(call('fcntl', fd, K.F_SETOWN, server.pid))
}

const signalled = async (server: Actor) => (await server.must(call('handled'))).numbers('signal').includes(K.SIGURG.value)

async function mark(scene: Scene): Promise<void> {
  const { lab, server } = scene
  lab.intend('The client writes “ab”, then “XY” out of band, then “cd”.')
  const fd = await written(scene, PORTS.mark, [['ab'], ['XY', K.MSG_OOB], ['cd']], ownedBy(server))
  const urgent = seenBy(lab.recorder.events, 'B', PORTS.mark).find(({ flags }) => flags.includes('URG'))
  lab.expect(
    urgent?.urgent === 5,
    `one packet has URG, with a pointer behind byte ${(urgent?.urgent ?? 0) - 1} of the stream: an end, but no beginning, so only Y is urgent`,
  )
  lab.expect(await signalled(server), 'SIGURG came to the owner of the descriptor')
  const ready = (await server.must(call('poll', fd, either(K.POLLIN, K.POLLPRI), 0))).number('revents')
  lab.expect(ready === (K.POLLIN.value | K.POLLPRI.value), 'poll(2) tells of both: POLLIN for the stream, POLLPRI for the byte')
  const before = [await atMark(server, fd), await read(server, fd), await atMark(server, fd)]
  lab.expect(before.join() === 'false,abX,true', 'a read stops at the mark though more is there: X belongs to the stream')
  const [first, second] = [await readUrgent(server, fd), await readUrgent(server, fd)]
  lab.expect(first.text === 'Y' && second.error === 'EINVAL', 'the urgent byte is read beside the stream, once')
  lab.expect((await read(server, fd)) === 'cd', 'the stream goes on behind it')
}

async function overwritten(scene: Scene): Promise<void> {
  const { lab, server } = scene
  lab.intend('“ab”, Y out of band, “cd”, Z out of band, “ef”: nobody reads meanwhile.')
  const fd = await written(scene, PORTS.overwritten, [['ab'], ['Y', K.MSG_OOB], ['cd'], ['Z', K.MSG_OOB], ['ef']])
  const stream = await read(server, fd)
  const urgent = await readUrgent(server, fd)
  lab.expect(
    stream === 'abYcd' && urgent.text === 'Z',
    'Y is a byte of the stream again: a connection has one urgent pointer, which Z has moved on. Who looked for Y beside the stream never finds it',
  )
  lab.expect((await read(server, fd)) === 'ef', 'behind the new mark the stream goes on')
}

async function vanished(scene: Scene): Promise<void> {
  const { lab, server } = scene
  lab.intend('Y out of band and Z out of band, and nothing unread before them, then “ef”.')
  const fd = await written(scene, PORTS.vanished, [['Y', K.MSG_OOB], ['Z', K.MSG_OOB], ['ef']])
  const [urgent, stream] = [await readUrgent(server, fd), await read(server, fd)]
  lab.expect(
    urgent.text === 'Z' && stream === 'ef',
    'Y was delivered and acknowledged, and is nowhere: the stream had been read up to the old mark, and goes on behind it',
  )
}

async function inline(scene: Scene): Promise<void> {
  const { lab, server } = scene
  lab.intend('SO_OOBINLINE: the urgent byte stays where it is in the stream, as RFC 6093 advises.')
  const fd = await written(scene, PORTS.inline, [['ab'], ['XY', K.MSG_OOB], ['cd']], async (accepted) => {
    await server.must(call('setsockopt', accepted, K.SOL_SOCKET, K.SO_OOBINLINE, int(1)))
  })
  lab.expect((await readUrgent(server, fd)).error === 'EINVAL', 'there is no byte beside the stream')
  const order = [await read(server, fd), await atMark(server, fd), await read(server, fd)]
  lab.expect(order.join() === 'abX,true,Ycd', 'a read still stops at the mark, and the next one begins with Y: nothing can be lost')
}

const BEFORE = 20_000

async function announced({ lab, network, client, server }: Scene): Promise<void> {
  lab.intend(`The receiver does not read, its window closes; behind ${BEFORE} bytes the client sends “!” out of band.`)
  const ends = { client, server, port: PORTS.announced, receiveBuffer: 8192, sendBuffer: 4 * BEFORE }
  const { fd, accepted } = await connected(lab, network, ends)
  await ownedBy(server)(accepted)
  await client.must(call('send', fd, filling(BEFORE), 0))
  await network.A.tcp.until('a closed window', ({ timer }) => timer === 'probe')
  await client.must(call('send', fd, '!', K.MSG_OOB))
  const probe = await lab.recorder.until('a probe with URG', () =>
    seenBy(lab.recorder.events, 'B', PORTS.announced).find(({ urgent }) => urgent !== undefined),
  )
  const signal = await signalled(server)
  const early = await readUrgent(server, accepted)
  lab.expect(
    probe.length === 0 && signal && early.error === 'EAGAIN',
    `a window probe without a byte brought URG and SIGURG: an urgent byte is coming, ${(probe.urgent ?? 0) - probe.sequence} bytes on; it is not here yet (EAGAIN)`,
  )
  await server.must(call('recv', accepted, BEFORE, K.MSG_WAITALL))
  await server.must(call('poll', accepted, K.POLLPRI, 5000))
  lab.expect(
    (await atMark(server, accepted)) && (await readUrgent(server, accepted)).text === '!',
    `who reads up to the mark, ${BEFORE} bytes, has the window open, and then the byte`,
  )
}
