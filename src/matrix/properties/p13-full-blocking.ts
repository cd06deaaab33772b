import type { Pending } from '../../stage/actor.js'
import { type Call, call, filling } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { End } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, notApplicable, QUEUES, SEMAPHORES, STREAMS } from './property.js'

/** A message that any of the queues takes, and a part of a stream; more of them than any buffer holds. */
const MESSAGE = { bytes: 128, times: 2000 }
const PART = { bytes: 4096, times: 20_000 }

/** Whether it blocks, and goes on once `free` has made room. */
async function blocked(stage: Stage, pending: Pending, free: () => Promise<unknown>): Promise<string> {
  if ((await pending.settled()) === 'returned') return String(await pending.outcome)
  stage.intend('It sleeps in the kernel. Now it is let go on.')
  await free()
  const { error } = await pending.outcome
  return error === undefined ? 'blocks' : `blocks, then ${error}`
}

/** Sends again and again while nobody receives; then the receiver takes all. */
const sending =
  ({ bytes, times }: typeof PART, take: (receiver: End) => Call): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const pending = sender.actor.begin(sender.send(filling(bytes)), times)
    return blocked(stage, pending, async () => receiver.actor.begin(take(receiver), Number.MAX_SAFE_INTEGER))
  }

/** How many signals the experiment lets be pending: the user's others count as well. */
const PENDING = 64

/** Nobody receives: how many of `COUNT` sends return, and what is there of them. */
const COUNT = 5000

export default defineProperty({
  id: 'P13',
  name: 'full-blocking',
  experiments: {
    ...each(
      STREAMS,
      sending(PART, ({ fd = -1 }) => call('drain', fd, PART.bytes * 16)),
    ),
    ...each(
      [...QUEUES, 'udgram', 'useq'],
      sending(MESSAGE, (receiver) => receiver.receive()),
    ),
    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('A post never waits; the wait does, where there is no permit.')
      return blocked(stage, receiver.actor.begin(receiver.receive()), async () => sender.actor.must(sender.send('')))
    }),
    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const pending = sender.actor.begin(sender.send(filling(MESSAGE.bytes)), COUNT)
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
