import type { Actor } from '../../stage/actor.js'
import { type Constant, call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import { DescriptorEnd } from '../subjects/descriptor-end.js'
import { makeFifo } from '../subjects/fifo.js'
import { MemoryEnd, makeMemfd, map } from '../subjects/memory.js'
import { signalPair } from '../subjects/signals.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { type End, newObject } from '../subjects/subject.js'
import { CONNECTED, defineProperty, type Experiment, each, NAMED } from './property.js'
import { receive } from './word.js'

const WORD = 'early'

/** One process sends before there is another, which then finds what was sent. */
async function sentAlone(sender: End, late: () => Promise<End>): Promise<string> {
  const sending = sender.actor.begin(sender.send(WORD))
  if ((await sending.settled()) === 'blocked') return 'blocks'
  const { error } = await sending.outcome
  if (error !== undefined) return error
  const receiver = await late()
  await receiver.waits(false)
  const { outcome, arrived } = await receive(receiver, WORD)
  return arrived ? 'no' : `sent, but then: ${outcome}`
}

/** The owner of the address is gone: whoever connects is refused, until there is another. */
const connecting: Experiment = async (stage, subject) => {
  const [owner, successor, client] = [await stage.actor('owner'), await stage.actor('successor'), await stage.actor('client')]
  const kind = socketKind(subject)
  const address = await kind.newAddress(stage, owner)
  await serve(owner, kind, address)
  await owner.exit()
  const connect = async () => client.do(call('connect', await kind.open(client), address))
  const seen = await stage.unless(async () => (await connect()).error, {
    text: 'there is an owner again',
    see: async () => {
      await kind.clear(successor, address)
      await serve(successor, kind, address)
      return (await connect()).error === undefined || undefined
    },
  })
  return seen ?? 'no'
}

/** A datagram to nobody; then to somebody. */
const sending: Experiment = async (stage, subject) => {
  const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
  const kind = socketKind(subject)
  const address = await kind.newAddress(stage, receiver)
  const fd = await kind.open(sender)
  const send = () => sender.do(call('sendto', fd, WORD, 0, address))
  const { error } = await send()
  stage.intend('Nobody has that address; now somebody has.')
  const receiving = await serve(receiver, kind, address)
  await send()
  const { text } = await receiver.must(call('recv', receiving, WORD.length, 0))
  return text === WORD ? (error ?? 'no') : `received ${text}`
}

/** A zombie is still a target; what has been reaped is not. kill(2) */
const signalling =
  (key: 'sig' | 'rtsig'): Experiment =>
  async (stage) => {
    const [sender, parent] = [await stage.actor('sender'), await stage.actor('parent of the target')]
    const target = await parent.fork('target')
    const pair = await signalPair(key, sender, target)
    const send = () => sender.do(pair.sender.send(''))
    const alive = await send()
    await target.kill()
    stage.intend('It is killed, and its parent has not asked for its end: a zombie still counts.')
    const zombie = await send()
    await parent.must(call('wait', target.pid, 0))
    const { error } = await send()
    if (alive.error !== undefined || zombie.error !== undefined) return `${alive}, as a zombie ${zombie}`
    return error === undefined ? 'no' : `yes: ${error}`
  }

export default defineProperty({
  id: 'P04',
  name: 'peer-needed',
  experiments: {
    fifo: async (stage) => {
      const [writer, hasty, reader] = [await stage.actor('writer'), await stage.actor('hasty writer'), await stage.actor('reader')]
      const path = await makeFifo(stage, writer)
      const open = (...flags: readonly Constant[]) => call('open', path, either(...flags), 0)
      const opening = writer.begin(open(K.O_WRONLY))
      const patient = await opening.settled()
      const refused = await hasty.do(open(K.O_WRONLY, K.O_NONBLOCK))
      stage.intend('A reader comes, who need not wait: the writer goes on, and another would be welcome.')
      await reader.must(open(K.O_RDONLY, K.O_NONBLOCK))
      const { error } = await opening.outcome
      if (error !== undefined || (await hasty.do(open(K.O_WRONLY, K.O_NONBLOCK))).error !== undefined) return 'refuses always'
      return `${patient === 'blocked' ? 'blocks' : 'opens'} / ${refused.error ?? 'opens'}`
    },
    ...each(
      NAMED.filter((key) => key !== 'fifo'),
      async (stage, subject) => {
        const first = await stage.actor('first')
        const object = await newObject(stage, subject)
        await object.make(first, true)
        return sentAlone(await object.open(first), async () => object.open(await stage.actor('late')))
      },
    ),
    pipe: async (stage) => {
      const first = await stage.actor('first')
      const ends = await first.must(call('pipe2', 0))
      const late = async () => new DescriptorEnd(await first.spawn('late'), ends.number('read'))
      return sentAlone(new DescriptorEnd(first, ends.number('write')), late)
    },
    memfd: async (stage) => {
      const first = await stage.actor('first')
      const fd = await makeMemfd(first)
      const end = async (actor: Actor) => new MemoryEnd(actor, await map(actor, fd))
      return sentAlone(await end(first), async () => end(await first.spawn('late')))
    },
    ...each([...CONNECTED, 'udgram'], connecting),
    ...each(['udp', 'mcast'], sending),
    sig: signalling('sig'),
    rtsig: signalling('rtsig'),
  },
})
