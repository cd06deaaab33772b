import type { Actor } from '../../stage/actor.js'
import { until } from '../../stage/actor-process.js'
import { describeAddress } from '../../stage/address.js'
import { type Constant, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { type TcpState, tcpIs } from '../../stage/kernel.js'
import type { Stage } from '../../stage/stage.js'
import { type SocketKind, serve, socketKind } from '../subjects/socket-kinds.js'
import { int, unixAddress } from '../subjects/sockets.js'
import { newObject } from '../subjects/subject.js'
import { addressed } from './next-owner.js'
import { defineProperty, type Experiment, each, NAMED, NAMELESS, SIGNALS, UNIX } from './property.js'
import { receive } from './word.js'

const WORD = 'old'

/** The owner is killed with what it sent unread; a successor wants to make an object of that name. */
const named =
  (keepsData: boolean): Experiment =>
  async (stage, subject) => {
    const [owner, successor] = [await stage.actor('owner'), await stage.actor('successor')]
    const object = await newObject(stage, subject)
    await object.make(owner, true)
    await owner.must((await object.open(owner)).send(WORD))
    await owner.kill()
    const { error } = await object.make(successor, true)
    if (error === undefined) return 'clean'
    const end = await object.open(successor)
    await end.waits(false)
    const { arrived } = await receive(end, WORD)
    stage.intend('Control: once the name is removed, the successor makes its own.')
    await object.remove(successor)
    const again = await object.make(successor, true)
    if (again.error !== undefined || error !== 'EEXIST') return `${error}, after its removal ${again}`
    return arrived === keepsData ? 'object survives' : `object survives, its data ${arrived ? 'as well' : 'do not'}`
  }

/** Both of the first pair are gone, and what was sent unread; is it there for a second pair? */
const anew: Experiment = async (stage, subject) => {
  const first = await subject.meet(stage)
  await first.sender.actor.must(first.sender.send(WORD))
  await first.sender.actor.kill()
  await first.receiver.actor.kill()
  stage.intend('All that the successors have is what they make themselves.')
  const { sender, receiver } = await subject.meet(stage)
  await receiver.waits(false)
  const seen = await stage.unless(async () => ((await receive(receiver, WORD)).arrived ? 'object survives' : undefined), {
    text: 'what is sent now is received',
    see: async () => {
      await sender.actor.must(sender.send(WORD))
      return (await receive(receiver, WORD)).arrived || undefined
    },
  })
  return seen ?? 'clean'
}

/** Binds a socket to the address, and gives it back; answers the error. */
async function binding(actor: Actor, kind: SocketKind, address: Uint8Array, ...options: readonly Constant[]): Promise<string | undefined> {
  const fd = await kind.open(actor)
  for (const option of options) await actor.must(call('setsockopt', fd, K.SOL_SOCKET, option, int(1)))
  const { error } = await actor.do(call('bind', fd, address))
  await actor.must(call('close', fd))
  return error
}

/** A listener is killed while it has a connection: what is left of that waits for late segments. */
async function killedListener(stage: Stage, kind: SocketKind, ...options: readonly Constant[]): Promise<Uint8Array> {
  const [owner, client] = [await stage.actor('owner'), await stage.actor('client')]
  const address = await kind.newAddress(stage, owner)
  const listener = await serve(owner, kind, address, ...options)
  const out = await kind.open(client)
  await client.must(call('connect', out, address))
  await owner.must(call('accept', listener, 0))
  const local = describeAddress(address)
  const reached = async (state: TcpState) => {
    await until(() => tcpIs(local, state))
    stage.observe(`/proc/net/tcp has ${local} in ${state}`)
  }
  await owner.kill()
  await client.must(call('recv', out, 1, 0))
  // The client acknowledges late. Where it closes on one processor and that is sent by the timer of another, the
  // acknowledgement comes behind its FIN, TIME_WAIT answers it, and ends by the reset of a client that is gone. RFC 1337
  await reached('FIN_WAIT2')
  await client.must(call('close', out))
  await reached('TIME_WAIT')
  return address
}

export default defineProperty({
  id: 'P24',
  name: 'stale-name',
  experiments: {
    ...each(NAMED, named(true)),
    fifo: named(false),
    ...each([...NAMELESS, ...SIGNALS], anew),
    ...each(['udp', 'mcast'], addressed('kill', 'clean')),
    ...each(UNIX, async (stage, subject) => {
      const [owner, successor] = [await stage.actor('owner'), await stage.actor('successor')]
      const kind = socketKind(subject)
      const address = await kind.newAddress(stage, owner)
      const abstract = unixAddress(`\0${describeAddress(address)}`)
      await serve(owner, kind, address)
      await serve(owner, kind, abstract)
      await owner.kill()
      const error = await binding(successor, kind, address)
      if (error === undefined) return 'clean'
      stage.intend('Control: with the path removed it can be bound; an abstract name is gone with its owner.')
      await kind.clear(successor, address)
      const after = await binding(successor, kind, address)
      const free = await binding(successor, kind, abstract)
      return after === undefined && free === undefined ? `${error} until unlink` : `${error}, then ${after}, abstract ${free}`
    }),
    tcp: async (stage, subject) => {
      const successor = await stage.actor('successor')
      const kind = socketKind(subject)
      const left = await killedListener(stage, kind)
      const refused = await binding(successor, kind, left)
      if (refused === undefined) return 'clean'
      stage.intend('SO_REUSEADDR of the successor alone; then of both, the one that was killed as well.')
      const alone = await binding(successor, kind, left, K.SO_REUSEADDR)
      const shared = await binding(successor, kind, await killedListener(stage, kind, K.SO_REUSEADDR), K.SO_REUSEADDR)
      if (shared !== undefined) return `${shared} in TIME_WAIT, even with SO_REUSEADDR of both`
      return alone === refused ? `${refused} in TIME_WAIT` : `${refused} in TIME_WAIT, unless the successor has SO_REUSEADDR`
    },
  },
})
