import { readFileSync } from 'node:fs'
import { call, filling } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { intOption } from '../subjects/sockets.js'
import { defineProperty, type Experiment, each, MEMORY, notApplicable, SEMAPHORES, STREAMS } from './property.js'

/** What an IPv4 datagram can carry. udp(7) */
const UDP_BYTES = 65_507
/** More than any buffer takes at once. */
const LARGE = 8 << 20

/** What is one byte too large is refused whole, while what is just not too large goes through. */
const limited =
  (limitOf: (fd: number, subject: string) => number): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    await sender.waits(false)
    const limit = limitOf(sender.fd ?? -1, subject.key)
    stage.intend(`The limit is ${limit} bytes; this is one more.`)
    return (await stage.unless(async () => (await sender.actor.do(sender.send(filling(limit + 1)))).error ?? 'taken', {
      text: 'as much as the limit is taken, and received',
      see: async () => {
        await sender.actor.must(sender.send(filling(limit)))
        return (await receiver.actor.must(receiver.receive(limit))).result === limit || undefined
      },
    })) as string
  }

export default defineProperty({
  id: 'P07',
  name: 'message-too-large',
  experiments: {
    pmq: limited(() => 128),
    svmq: limited(() => Number(readFileSync('/proc/sys/kernel/msgmax', 'utf8'))),
    ...each(
      ['udp', 'mcast'],
      limited(() => UDP_BYTES),
    ),
    ...each(['udgram', 'useq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.waits(false)
      const bytes = await intOption(sender.actor, sender.fd ?? -1, K.SO_SNDBUF)
      stage.intend(`SO_SNDBUF is ${bytes} bytes, in which the message and what the kernel needs for it have to fit.`)
      return (await stage.unless(async () => (await sender.actor.do(sender.send(filling(bytes)))).error ?? 'taken', {
        text: 'a quarter of it is taken, and received',
        see: async () => {
          await sender.actor.must(sender.send(filling(bytes >> 2)))
          return (await receiver.actor.must(receiver.receive(bytes >> 2))).result === bytes >> 2 || undefined
        },
      })) as string
    }),
    ...each(STREAMS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('More than the kernel holds, in one call that may wait.')
      const pending = sender.actor.begin(sender.send(filling(LARGE)))
      await pending.settled()
      let received = 0
      while (received < LARGE) received += (await receiver.actor.must(call('drain', receiver.fd ?? -1, LARGE))).result
      const { result } = await pending.outcome
      return result === LARGE ? 'no limit' : `${result} of ${LARGE} taken`
    }),
    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('The value of a signal is one int: what is wider is cut by the type, before any call.')
      const [target = 0, signal = 0] = sender.send('').args
      await sender.actor.must(call('sigqueue', target, signal, 2 ** 31 - 1))
      const value = (await receiver.actor.must(receiver.receive())).number('value')
      return value === 2 ** 31 - 1 ? 'one word' : String(value)
    },
    sig: { notApplicable: 'a standard signal carries nothing' },
    ...notApplicable(SEMAPHORES, 'a semaphore carries no bytes'),
    ...notApplicable(MEMORY, 'nothing is sent'),
  },
})
