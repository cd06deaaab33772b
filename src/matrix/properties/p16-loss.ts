import { call, counter } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { Uncontrolled } from '../../stage/stage.js'
import { NUMBER_BYTES, numbersOf, received } from '../subjects/numbered.js'
import { onlyPending } from '../subjects/signals.js'
import { smallBuffers } from '../subjects/stream-sockets.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, STREAMS } from './property.js'

/** The sender is blocked in the midst of them before the receiver takes the first. */
const overloaded =
  (items: number, room?: number): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    if (subject.key === 'tcp') await smallBuffers(stage, sender, receiver)
    const sending = sender.actor.begin(sender.send(counter()), items)
    if ((await sending.settled()) === 'returned') throw new Uncontrolled(`${items} items are no overload`)
    stage.intend('There is no room for more. Now the receiver takes all.')
    const numbers = await received(receiver, items, room)
    await sending.outcome
    return numbers.every((number, at) => number === at) ? 'lossless' : `${numbers.length} of ${items}, but not as sent`
  }

const POSTS = 1000
const SIGNALS_SENT = 20
const DATAGRAMS_SENT = 5000
const STORES = 1000

/** How many signals may pend: fewer than are sent. */
const PENDING = 6

export default defineProperty({
  id: 'P16',
  name: 'loss-under-overload',
  alone: ['rtsig'],
  experiments: {
    ...each(STREAMS, overloaded(30_000, NUMBER_BYTES)),
    ...each([...QUEUES, 'udgram', 'useq'], overloaded(5000)),

    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { times: posts } = await sender.actor.repeat(POSTS, sender.send(''))
      stage.intend('Nobody has waited meanwhile. How many permits are there?')
      await receiver.waits(false)
      const { times, error } = await receiver.actor.repeat(posts + 1, receiver.receive())
      return times === POSTS && error === 'EAGAIN' ? 'lossless count' : `${times} of ${posts}`
    }),

    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [, signal = 0] = sender.send('').args
      await receiver.actor.must(call('handle', signal, K.SA_RESTART, 0))
      await receiver.actor.must(call('sigprocmask', K.SIG_UNBLOCK, signal))
      await receiver.actor.freeze()
      await sender.actor.repeat(SIGNALS_SENT, sender.send(''))
      receiver.actor.thaw()
      const seen = (await receiver.actor.must(call('handled'))).result
      stage.intend('Control: while it runs, each that is sent after the last was handled is handled.')
      let alone = 0
      for (let sent = 0; sent < 3; sent++) {
        await sender.actor.must(sender.send(''))
        alone += (await receiver.actor.must(call('handled'))).result
      }
      if (alone !== 3) throw new Uncontrolled(`of 3 signals one by one ${alone} were handled`)
      return seen === 1 ? 'coalesces' : `${seen} of ${SIGNALS_SENT}`
    },

    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await onlyPending(stage, receiver.actor, PENDING)
      await receiver.waits(false)
      const [target = 0, signal = 0] = sender.send('').args
      const taken: number[] = []
      let refused = 0
      for (let value = 0; value < SIGNALS_SENT; ) {
        const { error } = await sender.actor.do(call('sigqueue', target, signal, value))
        if (error === undefined) value++
        else if (refused++ > SIGNALS_SENT) throw new Uncontrolled(`each is refused with ${error}`)
        else taken.push((await receiver.actor.must(receiver.receive())).number('value'))
      }
      taken.push(...(await receiver.actor.repeat(SIGNALS_SENT, receiver.receive())).numbers('value'))
      stage.observe(`${refused} were refused and sent again; taken: ${taken.join(', ')}`)
      if (refused === 0) throw new Uncontrolled(`${SIGNALS_SENT} signals are no overload`)
      return taken.length === SIGNALS_SENT && taken.every((value, at) => value === at) ? 'lossless' : `${taken.length} of ${SIGNALS_SENT}`
    },

    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const { times } = await sender.actor.repeat(DATAGRAMS_SENT, sender.send(counter()))
      const numbers = numbersOf((await receiver.actor.repeat(DATAGRAMS_SENT, receiver.receive())).each)
      stage.observe(`of 0 to ${times - 1} the receiver has ${numbers[0]} to ${numbers.at(-1)}, ${numbers.length} in all`)
      if (numbers.length === times) return 'lossless'
      return numbers.every((number, at) => number === at) ? 'drops newest' : 'drops older ones'
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.repeat(STORES, sender.send(counter()))
      const [last] = numbersOf([(await receiver.actor.must(receiver.receive(NUMBER_BYTES))).data])
      stage.observe(`of ${STORES} stored numbers the one that is there is ${last}`)
      return last === STORES - 1 ? 'overwrites' : `keeps ${last}`
    }),
  },
})
