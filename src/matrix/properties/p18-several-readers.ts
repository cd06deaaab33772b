import type { Actor, Pending } from '../../stage/actor.js'
import { call, counter } from '../../stage/call.js'
import type { Stage } from '../../stage/stage.js'
import { joined } from '../subjects/datagram-sockets.js'
import { NUMBER_BYTES, numbersOf } from '../subjects/numbered.js'
import { portOf, socketEnd } from '../subjects/sockets.js'
import type { End } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** Two processes receive through one end, half of the items each; answers whether each item came to one of them. */
async function disjoint(stage: Stage, sender: End, receiver: End, second: Actor, items: number, room?: number): Promise<boolean> {
  const reading = [receiver.actor, second].map((actor) => actor.begin(receiver.receive(room), items / 2))
  await sender.actor.repeat(items, sender.send(counter()))
  const shares = await Promise.all(reading.map(async ({ outcome }) => numbersOf((await outcome).each)))
  stage.observe(`of ${items} items one reader has ${shares[0]?.slice(0, 5)} …, the other ${shares[1]?.slice(0, 5)} …`)
  const all = shares.flat().sort((a, b) => a - b)
  return all.length === items && all.every((number, at) => number === at)
}

const exactlyOne =
  (items: number, room?: number): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const second = await receiver.actor.fork('second receiver')
    return (await disjoint(stage, sender, receiver, second, items, room)) ? 'exactly one' : 'copies'
  }

const ITEMS = 1000
/** So few that the receiver has room for all. */
const DATAGRAMS_SENT = 50

export default defineProperty({
  id: 'P18',
  name: 'several-readers',
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await receiver.actor.fork('second receiver')
      if (!(await disjoint(stage, sender, receiver, second, ITEMS, NUMBER_BYTES))) return 'copies'
      stage.intend('What one process wrote at once is cut where the readers cut it.')
      await sender.actor.must(sender.send('abcdef'))
      const parts = [await receiver.actor.must(receiver.receive(2)), await second.must(receiver.receive())]
      return parts.map(({ text }) => text).join() === 'ab,cdef' ? 'one of them' : parts.join()
    }),

    ...each(['ustream', 'tcp'], exactlyOne(ITEMS, NUMBER_BYTES)),
    ...each([...QUEUES, 'udgram', 'useq'], exactlyOne(ITEMS)),
    udp: exactlyOne(DATAGRAMS_SENT),

    mcast: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await stage.actor('second receiver')
      const group = (await receiver.actor.must(call('getsockname', receiver.fd ?? -1))).bytes('address')
      const copy = socketEnd(second, (await joined(second, [...group.subarray(4, 8)].join('.'), portOf(group))).fd)
      await sender.actor.repeat(DATAGRAMS_SENT, sender.send(counter()))
      const shares: (readonly number[])[] = []
      for (const end of [receiver, copy]) shares.push(numbersOf((await end.actor.repeat(DATAGRAMS_SENT, end.receive())).each))
      return shares.every((numbers) => numbers.length === DATAGRAMS_SENT && new Set(numbers).size === DATAGRAMS_SENT)
        ? 'all'
        : shares.map(({ length }) => length).join()
    },

    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await receiver.actor.fork('second receiver')
      const waiting: Pending[] = []
      for (const actor of [receiver.actor, second]) {
        const pending = actor.begin(receiver.receive())
        if ((await pending.settled()) === 'returned') return 'does not wait'
        waiting.push(pending)
      }
      const counts: number[] = []
      for (let post = 0; post < waiting.length; post++) {
        await sender.actor.must(sender.send(''))
        await Promise.race(waiting.map(({ outcome }) => outcome))
        const states = await Promise.all(waiting.map((pending) => pending.settled()))
        counts.push(states.filter((state) => state === 'returned').length)
      }
      stage.observe(`after one post ${counts[0]} had gone on, after two ${counts[1]}`)
      return counts.join() === '1,2' ? 'one waiter per post' : counts.join()
    }),

    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const second = await receiver.actor.fork('second receiver')
      const [, signal = 0] = sender.send('').args
      const taken = async () => {
        const outcomes = [await receiver.actor.do(receiver.receive()), await second.do(receiver.receive())]
        return outcomes.map(({ error }) => (error === undefined ? 1 : 0)).join()
      }
      await sender.actor.must(sender.send(''))
      const one = await stage.unless(async () => ((await taken()) === '1,0' ? undefined : 'several'), {
        text: 'one that is sent to the process group comes to both',
        see: async () => {
          await sender.actor.must(call('kill', -receiver.actor.pid, signal))
          return (await taken()) === '1,1' || undefined
        },
      })
      return one ?? 'one process'
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await receiver.actor.fork('second receiver')
      await sender.actor.must(sender.send('seen'))
      const seen = [await receiver.actor.must(receiver.receive(4)), await second.must(receiver.receive(4))]
      return seen.every(({ text }) => text === 'seen') ? 'all' : seen.join()
    }),
  },
})
