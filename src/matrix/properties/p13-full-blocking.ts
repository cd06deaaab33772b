import type { Pending } from '../stage/actor.js'
import { call, filling } from '../stage/call.js'
import { K } from '../stage/constants.js'
import type { Stage } from '../stage/stage.js'
import type { End, Subject } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, notApplicable, QUEUES, SEMAPHORES, STREAMS } from './property.js'

/** Larger than what is left in any buffer that refused as much, and no larger than any message may be. */
const BYTES = 128
/** More than any buffer of these subjects holds of such messages. */
const MANY = 1_000_000

/** Sends until the kernel refuses. */
export async function fill(sender: End, bytes = BYTES): Promise<number> {
  await sender.waits(false)
  const { times, error } = await sender.actor.repeat(MANY, sender.send(filling(bytes)))
  await sender.waits(true)
  return error === undefined ? Number.POSITIVE_INFINITY : times
}

/** Whether it blocks, and goes on once `free` has made room. */
async function blocked(stage: Stage, pending: Pending, free: () => Promise<unknown>): Promise<string> {
  if ((await pending.settled()) === 'returned') return String(await pending.outcome)
  stage.intend('It sleeps in the kernel. Now it is let go on.')
  await free()
  const { error } = await pending.outcome
  return error === undefined ? 'blocks' : `blocks, then ${error}`
}

const sending: Experiment = async (stage: Stage, subject: Subject) => {
  const { sender, receiver } = await subject.meet(stage)
  await fill(sender)
  const pending = sender.actor.begin(sender.send(filling(BYTES)))
  await receiver.waits(false)
  return blocked(stage, pending, () => receiver.actor.repeat(MANY, receiver.receive()))
}

/** How many signals the experiment lets be pending: the user's others count as well. */
const PENDING = 64

/** Nobody receives: how many of `COUNT` sends return, and what is there of them. */
const COUNT = 5000

export default defineProperty({
  id: 'P13',
  name: 'full-blocking',
  experiments: {
    ...each([...STREAMS, ...QUEUES, 'udgram', 'useq'], sending),
    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('A post never waits; the wait does, where there is no permit.')
      return blocked(stage, receiver.actor.begin(receiver.receive()), () => sender.actor.must(sender.send('')))
    }),
    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const pending = sender.actor.begin(sender.send(filling(BYTES)), COUNT)
      if ((await pending.settled()) === 'blocked') return 'blocks'
      const { times } = await pending.outcome
      await receiver.waits(false)
      const { times: kept } = await receiver.actor.repeat(COUNT, receiver.receive())
      stage.observe(`${times} sends returned, ${kept} datagrams are there`)
      if (times < COUNT) return 'refuses'
      return kept > 0 && kept < COUNT ? 'no: drops' : `${kept} of ${COUNT} kept`
    }),
    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const pending = sender.actor.begin(sender.send(''), 10)
      if ((await pending.settled()) === 'blocked') return 'blocks'
      const { times } = await pending.outcome
      await receiver.waits(false)
      const { times: taken } = await receiver.actor.repeat(10, receiver.receive())
      return times === 10 && taken === 1 ? 'no: coalesces' : `${times} sent, ${taken} taken`
    },
    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('The limit of the pending signals of a user is made small, for this process alone.')
      const before = await receiver.actor.must(call('getrlimit', K.RLIMIT_SIGPENDING))
      const limit = Math.min(PENDING, before.number('hard'))
      await sender.actor.must(call('setrlimit', K.RLIMIT_SIGPENDING, limit, limit))
      await receiver.actor.must(call('setrlimit', K.RLIMIT_SIGPENDING, limit, limit))
      const pending = sender.actor.begin(sender.send(''), limit + 1)
      if ((await pending.settled()) === 'blocked') return 'blocks'
      const { times, error } = await pending.outcome
      await receiver.waits(false)
      const { times: taken } = await receiver.actor.repeat(limit + 1, receiver.receive())
      return taken === times ? `no: ${error ?? 'takes all'}` : `${times} sent, ${taken} taken`
    },
    ...notApplicable(MEMORY, 'memory is never full: what it is used for decides'),
  },
})
