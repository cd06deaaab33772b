import type { Pending } from '../../stage/actor.js'
import { type Call, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { MemoryEnd } from '../subjects/memory.js'
import { socketKind } from '../subjects/socket-kinds.js'
import { type End, newObject } from '../subjects/subject.js'
import { CONNECTED, defineProperty, each, NAMED, NAMELESS, notApplicable, SIGNALS } from './property.js'

/** Of memory the wait is on its first word. futex(2) */
const waiting = (end: End): Call => (end instanceof MemoryEnd ? call('futex_wait', end.address, 0, -1) : end.receive())
const waking = (end: End): Call => (end instanceof MemoryEnd ? call('futex_wake', end.address, 1) : end.send('x'))

/** What the sleeper was woken with; undefined where it sleeps on. */
async function wokenWith(pending: Pending): Promise<string | undefined> {
  if ((await pending.settled()) === 'blocked') return undefined
  const outcome = await pending.outcome
  return outcome.error ?? String(outcome.result)
}

export default defineProperty({
  id: 'P23',
  name: 'removal-wakes',
  experiments: {
    ...each(NAMED, async (stage, subject) => {
      const [sleeper, other, remover] = [await stage.actor('sleeper'), await stage.actor('other'), await stage.actor('remover')]
      const object = await newObject(stage, subject)
      await object.make(sleeper, true)
      const [asleep, awake] = [await object.open(sleeper), await object.open(other)]
      const pending = sleeper.begin(waiting(asleep))
      if ((await wokenWith(pending)) !== undefined) return 'it does not block'
      await object.remove(remover)
      const woken = await wokenWith(pending)
      if (woken !== undefined) return `yes: ${woken}`
      stage.intend('Control: it sleeps on, and wakes as soon as it has what it waits for.')
      await other.must(waking(awake))
      const { error } = await pending.outcome
      return error === undefined ? 'no' : `no, but ${error}`
    }),
    ...each([...CONNECTED, 'udgram'], async (stage, subject) => {
      const { receiver } = await subject.meet(stage)
      const fd = receiver.fd ?? -1
      const sharer = await receiver.actor.fork('sharer of its socket')
      const kept = (await sharer.must(call('dup', fd))).result
      const address = (await sharer.must(call('getsockname', fd))).bytes('address')
      const pending = receiver.actor.begin(receiver.receive())
      if ((await wokenWith(pending)) !== undefined) return 'it does not block'
      await socketKind(subject).clear(sharer, address)
      await sharer.must(call('close', fd))
      const removed = await wokenWith(pending)
      if (removed !== undefined) return `yes: ${removed}`
      stage.intend('What another closes or unlinks does not wake it. What another shuts down?')
      await sharer.must(call('shutdown', kept, K.SHUT_RD))
      const woken = await wokenWith(pending)
      if (woken === undefined) return 'no'
      return woken === '0' ? 'yes via shutdown()' : `yes via shutdown(), with ${woken}`
    }),
    ...notApplicable(NAMELESS, 'there is nothing to remove but the descriptor of the one that waits'),
    ...notApplicable(SIGNALS, 'nothing is removed'),
    ...notApplicable(['udp', 'mcast'], 'there is nothing to remove, and no connection to shut down'),
  },
})
