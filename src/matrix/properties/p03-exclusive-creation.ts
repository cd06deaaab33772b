import { call, type Outcome } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { int } from '../subjects/sockets.js'
import { newObject } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, NAMELESS, notApplicable, SIGNALS, UNIX } from './property.js'

const RACES = 100

/** What everyone who lost was told; or what else there was than one winner and one loser. */
async function raced(stage: Stage, race: () => Promise<readonly Outcome[]>): Promise<string> {
  const errors = new Set<string>()
  const odd = await stage.again(RACES, async () => {
    const outcomes = await race()
    for (const { error } of outcomes) if (error !== undefined) errors.add(error)
    const winners = outcomes.filter(({ error }) => error === undefined).length
    return winners === 1 ? undefined : `${winners} of ${outcomes.length} made it`
  })
  return odd ?? [...errors].join()
}

/** `flags` are what makes creation exclusive, where it is not so always. */
const named =
  (flags?: string): Experiment =>
  async (stage, subject) => {
    const [one, other] = [await stage.actor('one'), await stage.actor('other')]
    const object = await newObject(stage, subject)
    const race = async (exclusively: boolean) => {
      const outcomes = await Promise.all([object.make(one, exclusively), object.make(other, exclusively)])
      await object.remove(one)
      return outcomes
    }
    const lost = await raced(stage, () => race(true))
    if (flags === undefined || lost !== 'EEXIST') return lost
    stage.intend('Control: it is the flag that excludes; without it both have the object.')
    const [failed] = (await race(false)).filter(({ error }) => error !== undefined)
    return failed?.error ?? flags
  }

const bound: Experiment = async (stage, subject) => {
  const [one, other] = [await stage.actor('one'), await stage.actor('other')]
  const kind = socketKind(subject)
  const address = await kind.newAddress(stage, one)
  return raced(stage, async () => {
    const [first, second] = await Promise.all([kind.open(one), kind.open(other)])
    const outcomes = await Promise.all([one.do(call('bind', first, address)), other.do(call('bind', second, address))])
    await Promise.all([one.must(call('close', first)), other.must(call('close', second))])
    await kind.clear(one, address)
    return outcomes
  })
}

export default defineProperty({
  id: 'P03',
  name: 'exclusive-creation',
  experiments: {
    fifo: named(),
    ...each(['psem', 'pmq', 'pshm'], named(either(K.O_CREAT, K.O_EXCL).text)),
    ...each(['svsem', 'svmq', 'svshm'], named(either(K.IPC_CREAT, K.IPC_EXCL).text)),
    ...each([...UNIX, 'tcp', 'udp'], bound),
    mcast: async (stage, subject) => {
      const [sender, one, other] = [await stage.actor('sender'), await stage.actor('one'), await stage.actor('other')]
      const kind = socketKind(subject)
      const group = await kind.newAddress(stage, one)
      const first = await serve(one, kind, group, K.SO_REUSEADDR)
      const second = await kind.open(other)
      stage.intend('The second wants the same address: alone, and then sharing it as the first does.')
      const alone = await other.do(call('bind', second, group))
      if (alone.error === undefined) return 'shared, whoever wants it'
      await other.must(call('setsockopt', second, K.SOL_SOCKET, K.SO_REUSEADDR, int(1)))
      const together = await other.do(call('bind', second, group))
      if (together.error !== undefined) return together.error
      await kind.attend(other, second, group)
      await sender.must(call('sendto', await kind.open(sender), 'to all', 0, group))
      const received = [await one.must(call('recv', first, 6, 0)), await other.must(call('recv', second, 6, 0))]
      return received.every(({ text }) => text === 'to all') ? 'shared' : received.join(' and ')
    },
    ...notApplicable([...NAMELESS, ...SIGNALS], 'nothing is made under a name'),
  },
})
