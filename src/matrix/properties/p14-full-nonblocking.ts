import { call, counter, filling } from '../../stage/call.js'
import { numbersOf } from '../subjects/numbered.js'
import { onlyPending } from '../subjects/signals.js'
import { dropsOf } from '../subjects/sockets.js'
import { defineProperty, each, MEMORY, notApplicable, QUEUES, SEMAPHORES } from './property.js'

/** More than any channel takes. */
const ENDLESS = 1_000_000

/** Bytes that a pipe takes whole or not at all. pipe(7) PIPE_BUF */
const PIPE_BUF = 4096

/** More than a stream takes at once. */
const LARGE = 8 << 20

/** More than the receivers of datagrams hold. */
const DATAGRAMS = 5000

const PENDING = 20

export default defineProperty({
  id: 'P14',
  name: 'full-nonblocking',
  alone: ['rtsig'],
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.waits(false)
      const { sum } = await sender.actor.repeat(ENDLESS, sender.send(filling(PIPE_BUF)))
      return (await stage.unless(async () => (await sender.actor.do(sender.send(filling(PIPE_BUF)))).error, {
        text: 'emptied, it takes as much as before of a write that is larger, and says how much',
        see: async () => {
          await receiver.actor.must(call('drain', receiver.fd ?? -1, sum))
          return (await sender.actor.must(sender.send(filling(sum + PIPE_BUF)))).result === sum || undefined
        },
      })) as string
    }),

    ...each(['ustream', 'tcp'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.waits(false)
      stage.intend('Larger sends than there is room, again and again, until one is refused.')
      const { times, sum, error = 'taken' } = await sender.actor.repeat(ENDLESS, sender.send(filling(LARGE)))
      stage.observe(`${sum} bytes of ${times} sends of ${LARGE} were taken`)
      stage.intend('All that was taken is there.')
      let received = 0
      while (received < sum) received += (await receiver.actor.must(call('drain', receiver.fd ?? -1, LARGE))).result
      return sum < times * LARGE ? `${error} / partial` : error
    }),

    ...each([...QUEUES, 'udgram', 'useq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const end of [sender, receiver]) await end.waits(false)
      const { times, error = 'taken' } = await sender.actor.repeat(ENDLESS, sender.send(counter()))
      stage.intend('What was refused left no trace: the receiver has what was taken, and nothing else.')
      const numbers = numbersOf((await receiver.actor.repeat(ENDLESS, receiver.receive())).each)
      if (numbers.length !== times || numbers.some((number, at) => number !== at)) return `${times} sent, ${numbers.length} received`
      return (await sender.actor.do(sender.send(counter()))).error === undefined ? error : 'full for ever'
    }),

    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      stage.intend('A post finds room; a wait that must not wait finds no permit.')
      return (await stage.unless(async () => (await receiver.actor.do(receiver.receive())).error ?? 'a permit', {
        text: 'after a post it gets one',
        see: async () => {
          await sender.actor.must(sender.send(''))
          return (await receiver.actor.must(receiver.receive())).result
        },
      })) as string
    }),

    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send(''))
      stage.intend('One is pending. Another?')
      const { error = 'success' } = await sender.actor.do(sender.send(''))
      await receiver.waits(false)
      const { times } = await receiver.actor.repeat(3, receiver.receive())
      return times === 1 ? error : `${error}, ${times} taken`
    },

    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await onlyPending(stage, receiver.actor, PENDING)
      const { error = 'taken' } = await sender.actor.repeat(PENDING + 1, sender.send(''))
      return (await stage.unless(async () => error, {
        text: 'after one is taken, another is',
        see: async () => {
          await receiver.actor.must(receiver.receive())
          return (await sender.actor.must(sender.send(''))).result
        },
      })) as string
    },

    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const end of [sender, receiver]) await end.waits(false)
      const { times, error = 'success' } = await sender.actor.repeat(DATAGRAMS, sender.send(counter()))
      const { times: kept } = await receiver.actor.repeat(DATAGRAMS, receiver.receive())
      const dropped = await dropsOf(receiver.actor, receiver.fd ?? -1)
      stage.observe(`of ${times} datagrams ${kept} were received; the receiver’s socket counts ${dropped} dropped`)
      return kept + dropped === times && dropped > 0 ? error : `${error}, ${times - kept - dropped} astray`
    }),

    ...notApplicable(MEMORY, 'memory is never full: what it is used for decides'),
  },
})
