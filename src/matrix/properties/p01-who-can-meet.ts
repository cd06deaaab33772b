import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { parentOf } from '../../stage/kernel.js'
import type { Stage } from '../../stage/stage.js'
import { type End, newObject, type Pair } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, NAMED, NAMELESS, SIGNALS, UNIX } from './property.js'
import { receive } from './word.js'

const WORD = 'hello'

/** What the one sends, the other receives. */
async function reaches(sender: End, receiver: End): Promise<boolean> {
  await receiver.waits(false)
  await sender.actor.must(sender.send(WORD))
  return (await receive(receiver, WORD)).arrived
}

/** Whether one is the other's parent, which is told. */
function areRelated(stage: Stage, { sender, receiver }: Pair): boolean {
  const [one, other] = [sender.actor.pid, receiver.actor.pid]
  const [parentOfOne, parentOfOther] = [parentOf(one), parentOf(other)]
  stage.observe(`the parent of ${one} is ${parentOfOne}, of ${other} it is ${parentOfOther}`)
  return parentOfOne === other || parentOfOther === one
}

/** The two have nothing in common but what the one was told: a pid or an address. */
const told =
  (what: string): Experiment =>
  async (stage, subject) => {
    const pair = await subject.meet(stage)
    if (areRelated(stage, pair)) return 'related'
    return (await reaches(pair.sender, pair.receiver)) ? `any-by-${what}` : 'nobody'
  }

export default defineProperty({
  id: 'P01',
  name: 'who-can-meet',
  experiments: {
    ...each(NAMED, async (stage, subject) => {
      const [maker, stranger] = [await stage.actor('maker'), await stage.actor('stranger')]
      const object = await newObject(stage, subject)
      await object.make(maker, true)
      stage.intend(`All that the stranger is told is the name ${object.name}.`)
      const { error } = await object.find(stranger)
      if (error !== undefined) return `${error} by that name`
      const pair = { sender: await object.open(maker), receiver: await object.open(stranger) }
      if (areRelated(stage, pair)) return 'related'
      return (await reaches(pair.sender, pair.receiver)) ? 'any-by-name' : 'nobody'
    }),
    ...each(UNIX, told('name')),
    ...each(['tcp', 'udp', 'mcast'], told('addr')),
    ...each(SIGNALS, told('pid')),
    ...each(NAMELESS, async (stage, subject) => {
      const pair = await subject.meet(stage)
      const fd = pair.sender.fd ?? -1
      const stranger = await stage.actor('stranger')
      const { text } = await pair.sender.actor.must(call('readlink', `/proc/self/fd/${fd}`))
      stage.intend('A stranger tries the number of the descriptor, and what the kernel calls it.')
      const byNumber = await stranger.do(call('fstat', fd))
      const byName = await stranger.do(call('open', text, K.O_RDWR, 0))
      if (byName.error === undefined) return 'any-by-name'
      if (byNumber.error === undefined) return 'any-by-number'
      stage.intend('Control: a child has inherited it.')
      return areRelated(stage, pair) && (await reaches(pair.sender, pair.receiver)) ? 'related' : 'nobody'
    }),
  },
})
