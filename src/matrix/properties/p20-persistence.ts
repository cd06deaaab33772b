import { constants } from 'node:fs'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { Skip } from '../../stage/stage.js'
import type { SignalReceiver } from '../subjects/signals.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { newObject } from '../subjects/subject.js'
import { addressed } from './next-owner.js'
import { CONNECTED, DATAGRAMS, defineProperty, type Experiment, each, NAMED, NAMELESS, SIGNALS } from './property.js'
import { receive } from './word.js'

const WORD = 'left'

/** Who holds it sends and exits; then another looks for it. */
const named: Experiment = async (stage, subject) => {
  const [holder, newcomer] = [await stage.actor('holder'), await stage.actor('newcomer')]
  const object = await newObject(stage, subject)
  await object.make(holder, true)
  await holder.must((await object.open(holder)).send(WORD))
  await holder.exit()
  stage.intend('No process holds it now.')
  if ((await object.find(newcomer)).error !== undefined) return 'process'
  const end = await object.open(newcomer)
  await end.waits(false)
  return (await receive(end, WORD)).arrived ? 'kernel' : 'name: kernel; data: process'
}

/** A descriptor can be reached through its holder's entry in /proc, for as long as there is a holder. */
const nameless: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const newcomer = await stage.actor('newcomer')
  await sender.actor.must(sender.send(WORD + WORD))
  await sender.actor.exit()
  const open = () => newcomer.do(call('open', `/proc/${receiver.actor.pid}/fd/${receiver.fd}`, K.O_RDONLY, 0))
  stage.intend('Control: while somebody holds it, another finds what was sent.')
  const held = await open()
  if (held.error === 'EACCES') throw new Skip('a process may not look into another here: EACCES')
  const { text } = await newcomer.must(call('read', held.result, WORD.length))
  if (text !== WORD) return `read ${text} while it was held`
  await newcomer.must(call('close', held.result))
  await receiver.actor.exit()
  return (await open()).error === undefined ? 'kernel' : 'process'
}

/** The address has an owner, then none: a connection is refused, with whatever had been sent. */
const connected: Experiment = async (stage, subject) => {
  const [owner, writer, newcomer] = [await stage.actor('owner'), await stage.actor('writer'), await stage.actor('newcomer')]
  const kind = socketKind(subject)
  const address = await kind.newAddress(stage, owner)
  await serve(owner, kind, address)
  const out = await kind.open(writer)
  await writer.must(call('connect', out, address))
  await writer.must(call('send', out, WORD, 0))
  await writer.exit()
  const connect = async () => newcomer.do(call('connect', await kind.open(newcomer), address))
  stage.intend('Control: the owner is there.')
  const before = await connect()
  if (before.error !== undefined) return `${before} with an owner`
  await owner.exit()
  return (await connect()).error === undefined ? 'kernel' : 'process'
}

export default defineProperty({
  id: 'P20',
  name: 'persistence',
  experiments: {
    ...each(NAMED, named),
    fifo: async (stage, subject) => {
      const [holder, newcomer] = [await stage.actor('holder'), await stage.actor('newcomer')]
      const object = await newObject(stage, subject)
      await object.make(holder, true)
      const held = await object.open(holder)
      await holder.must(held.send(WORD + WORD))
      const look = async () => {
        const end = await object.open(newcomer)
        await end.waits(false)
        const { text } = await newcomer.do(end.receive(WORD.length))
        await end.close()
        return text === WORD
      }
      stage.intend('Control: while somebody holds it, another finds what was sent.')
      if (!(await look())) return 'nothing was there while it was held'
      await holder.exit()
      stage.intend('No process holds it now.')
      const entry = await newcomer.do(call('stat', String(object.name)))
      const isFifo = entry.error === undefined && (entry.number('mode') & constants.S_IFMT) === constants.S_IFIFO
      if (!isFifo) return 'process'
      return `name: fs; data: ${(await look()) ? 'fs' : 'process'}`
    },
    ...each(NAMELESS, nameless),
    ...each(CONNECTED, connected),
    ...each(DATAGRAMS, addressed('exit', 'process')),
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { signal } = receiver as SignalReceiver
      await sender.actor.must(sender.send(''))
      await sender.actor.exit()
      const pending = await receiver.actor.must(call('sigpending', signal))
      await receiver.actor.exit()
      stage.intend('The target has ended. Nobody can take what was sent to it: another has a set of its own.')
      const newcomer = await stage.actor('newcomer')
      await newcomer.must(call('sigprocmask', K.SIG_BLOCK, signal))
      const left = await newcomer.must(call('sigpending', signal))
      if (pending.result !== 1) return 'gone with its sender'
      return left.result === 0 ? 'process' : 'kernel'
    }),
  },
})
