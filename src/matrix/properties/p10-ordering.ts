import type { Pending } from '../../stage/actor.js'
import { call, counter } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { litmus, type MemoryEnd } from '../subjects/memory.js'
import { NUMBER_BYTES, numbered, numbersOf, received } from '../subjects/numbered.js'
import { STANDARD } from '../subjects/signals.js'
import type { Pair } from '../subjects/subject.js'
import { defineProperty, each, MEMORY, SEMAPHORES, STREAMS } from './property.js'

const ITEMS = 10_000

/** Whether `ITEMS` that one process sends reach the other as they were numbered. */
async function inOrder({ sender, receiver }: Pair, room?: number): Promise<boolean> {
  const sending = sender.actor.begin(sender.send(counter()), ITEMS)
  const numbers = await received(receiver, ITEMS, room)
  await sending.outcome
  return numbers.every((number, at) => number === at)
}

/** Without a barrier it ends as soon as it is seen; on one processor, which each round has to change hands, it never is. */
const ROUNDS = { plain: 50_000, fenced: 10_000, shared: 1000 }

export default defineProperty({
  id: 'P10',
  name: 'ordering',
  experiments: {
    ...each(STREAMS, async (stage, subject) => ((await inOrder(await subject.meet(stage), NUMBER_BYTES)) ? 'FIFO' : 'out of order')),
    ...each(['udgram', 'useq'], async (stage, subject) => ((await inOrder(await subject.meet(stage))) ? 'FIFO' : 'out of order')),

    pmq: async (stage, subject) => {
      const pair = await subject.meet(stage)
      if (!(await inOrder(pair))) return 'out of order'
      stage.intend('Now three priorities by turns: 0, 1, 2, 0, 1, 2.')
      const [queue = -1] = pair.sender.send('').args
      for (let at = 0; at < 6; at++) await pair.sender.actor.must(call('mq_send', queue, numbered(at), at % 3))
      return describeOrder(await received(pair.receiver, 6), [2, 5, 1, 4, 0, 3], 'priority, then FIFO')
    },

    svmq: async (stage, subject) => {
      const pair = await subject.meet(stage)
      if (!(await inOrder(pair))) return 'out of order'
      stage.intend('Now two types by turns; the receiver asks for those of type 2, then for those of type 1.')
      const [queue = -1] = pair.sender.send('').args
      for (let at = 0; at < 6; at++) await pair.sender.actor.must(call('msgsnd', queue, 1 + (at % 2), numbered(at), 0))
      const taken: number[] = []
      for (const type of [2, 1]) taken.push(...numbersOf((await pair.receiver.actor.repeat(3, call('msgrcv', queue, 4, type, 0))).each))
      return describeOrder(taken, [1, 3, 5, 0, 2, 4], 'FIFO (per type)')
    },

    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('More is sent than the receiver has room for; each send succeeds.')
      const sent = await sender.actor.repeat(ITEMS, sender.send(counter()))
      await receiver.waits(false)
      const numbers = numbersOf((await receiver.actor.repeat(ITEMS, receiver.receive())).each)
      const increasing = numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? -1))
      stage.observe(`${numbers.length} of ${sent.times} came, ${increasing ? 'in order' : 'out of order'}`)
      if (new Set(numbers).size < numbers.length) return 'some twice'
      return numbers.length === ITEMS && increasing ? 'FIFO' : 'none promised'
    }),

    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const signals = [K.SIGUSR1, STANDARD, K.SIGALRM].sort((a, b) => a.value - b.value)
      await receiver.actor.must(call('sigprocmask', K.SIG_BLOCK, ...signals))
      const taken = async (sent: typeof signals) => {
        for (const signal of sent) await sender.actor.must(call('kill', receiver.actor.pid, signal))
        return (await receiver.actor.repeat(sent.length, call('sigtimedwait', -1, ...signals))).numbers('signal')
      }
      stage.intend('All are held while they are sent, then taken; once in this order, once the other way round.')
      const [forth, back] = [await taken(signals), await taken(signals.toReversed())]
      const kept = (numbers: readonly number[], sent: typeof signals) => numbers.every((number, at) => number === sent[at]?.value)
      return kept(forth, signals) && kept(back, signals.toReversed()) ? 'FIFO' : 'none'
    },

    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [target = 0, low = 0] = sender.send('').args
      const high = Number(low) + 1
      await receiver.actor.must(call('sigprocmask', K.SIG_BLOCK, high))
      stage.intend('Two numbers by turns, the higher first, each with a value; all are held meanwhile.')
      for (let at = 0; at < 6; at++) await sender.actor.must(call('sigqueue', target, at % 2 === 0 ? high : low, at))
      const taken = await receiver.actor.repeat(6, call('sigtimedwait', -1, low, high))
      return describeOrder(taken.numbers('value'), [1, 3, 5, 0, 2, 4], 'lowest number first, FIFO in one number')
    },

    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const waiting: Pending[] = []
      for (const role of ['first waiter', 'second waiter', 'third waiter']) {
        const waiter = await receiver.actor.fork(role)
        const pending = waiter.begin(receiver.receive())
        if ((await pending.settled()) === 'returned') return 'does not wait'
        waiting.push(pending)
      }
      const woken: number[] = []
      for (let post = 1; post <= waiting.length; post++) {
        await sender.actor.must(sender.send(''))
        woken.push(await Promise.race(stillWaiting(waiting, woken)))
        const others = await Promise.all(stillAsleep(waiting, woken))
        if (others.includes('returned')) return `${post} posts woke more`
      }
      stage.observe(`woken: ${woken.map((at) => at + 1).join(', ')}`)
      return woken.every((waiter, at) => waiter === at) ? 'first come, first served' : 'another order'
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = (await subject.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
      stage.intend('Each has a processor of its own, where there are two.')
      await sender.actor.do(call('pin', 0))
      const two = (await receiver.actor.do(call('pin', 1))).error === undefined
      stage.intend('Each side stores to a word of its own and then loads the other’s: can both miss the other’s store?')
      const plain = await unseen(stage, sender, receiver, two ? ROUNDS.plain : ROUNDS.shared, false)
      stage.intend('The same with a barrier between the two.')
      const fenced = await unseen(stage, sender, receiver, two ? ROUNDS.fenced : ROUNDS.shared, true)
      if (fenced) return 'none, even with barriers'
      return plain ? 'memory model' : 'as stored'
    }),
  },
})

const describeOrder = (seen: readonly number[], documented: readonly number[], word: string): string =>
  seen.join() === documented.join() ? word : seen.join()

const stillWaiting = (waiting: readonly Pending[], woken: readonly number[]) =>
  waiting.flatMap((pending, at) => (woken.includes(at) ? [] : [pending.outcome.then(() => at)]))

const stillAsleep = (waiting: readonly Pending[], woken: readonly number[]) =>
  waiting.flatMap((pending, at) => (woken.includes(at) ? [] : [pending.settled()]))

/** Whether in one of `rounds` neither side saw what the other had stored. */
async function unseen(stage: Stage, first: MemoryEnd, second: MemoryEnd, rounds: number, fenced: boolean): Promise<boolean> {
  const other = second.actor.begin(litmus(second, 1, rounds, fenced))
  const { result: round } = await first.actor.must(litmus(first, 0, rounds, fenced))
  await other.outcome
  stage.observe(round > 0 ? `in round ${round} neither saw the other’s store` : `in each of ${rounds} rounds one saw the other’s store`)
  return round > 0
}
