import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { SignalReceiver } from '../subjects/signals.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { socketEnd } from '../subjects/sockets.js'
import type { End } from '../subjects/subject.js'
import { CONNECTED, defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'
import { receive } from './word.js'

/** Whether what is sent there arrives here. */
const arrives = async (from: End, to: End, word: string): Promise<boolean> =>
  (await from.actor.do(from.send(word))).error === undefined && (await receive(to, word)).arrived

/** Each sends on its handle, and receives on it what the other has sent, and what it has sent itself. */
async function ways(one: End, other: End): Promise<string> {
  await one.waits(false)
  await other.waits(false)
  if (!(await arrives(one, other, 'ping'))) return 'none'
  if (!(await arrives(other, one, 'pong'))) return 'one-way'
  if (!(await arrives(one, one, 'mine'))) return 'two-way'
  return (await receive(other, 'mine')).arrived ? 'many-way' : 'many-way, one queue'
}

const betweenEnds: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  return ways(sender, receiver)
}

export default defineProperty({
  id: 'P05',
  name: 'direction',
  experiments: {
    ...each(['pipe', 'fifo', ...QUEUES, ...MEMORY, ...CONNECTED], betweenEnds),
    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.waits(false)
      await receiver.waits(false)
      stage.intend('Each posts, and each takes a permit: the other’s, or its own.')
      for (const [from, to] of [
        [sender, receiver],
        [receiver, sender],
        [sender, sender],
      ] as const) {
        await from.actor.must(from.send('x'))
        const taken = await to.actor.do(to.receive())
        if (taken.error !== undefined || taken.each.length > 0) return String(taken)
      }
      return 'n/a (count)'
    }),
    ...each(['udgram', 'udp'], async (stage, subject) => {
      const [one, other] = [await stage.actor('one'), await stage.actor('other')]
      const kind = socketKind(subject)
      const [here, there] = [await kind.newAddress(stage, one), await kind.newAddress(stage, other)]
      const [first, second] = [await serve(one, kind, here), await serve(other, kind, there)]
      await one.must(call('connect', first, there))
      await other.must(call('connect', second, here))
      return ways(socketEnd(one, first), socketEnd(other, second))
    }),
    mcast: async (stage, subject) => {
      const [sender, one, other] = [await stage.actor('sender'), await stage.actor('member'), await stage.actor('other member')]
      const kind = socketKind(subject)
      const group = await kind.newAddress(stage, one)
      const members = [
        { actor: one, fd: await serve(one, kind, group, K.SO_REUSEADDR) },
        { actor: other, fd: await serve(other, kind, group, K.SO_REUSEADDR) },
      ]
      const fd = await kind.open(sender)
      stage.intend('The sender is no member. It sends once.')
      await sender.must(call('sendto', fd, 'news', 0, group))
      const received = []
      for (const { actor, fd: member } of members) received.push(await actor.must(call('recvmsg', member, 16, 0)))
      const copies = received.filter(({ text }) => text === 'news').length
      const from = received[0]?.bytes('address') ?? new Uint8Array()
      const own = await stage.unless(async () => (await sender.do(call('recv', fd, 16, K.MSG_DONTWAIT))).error ?? 'its own copy', {
        text: 'what a member sends to the address of the sender itself does arrive',
        see: async () => {
          await one.must(call('sendto', members[0]?.fd ?? -1, 'reply', 0, from))
          return (await sender.must(call('recv', fd, 16, 0))).text === 'reply' || undefined
        },
      })
      return own === 'EAGAIN' ? `one-to-${copies === 2 ? 'many' : copies}` : `the sender has ${own}`
    },
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { signal } = receiver as SignalReceiver
      await receiver.waits(false)
      await sender.actor.must(call('sigprocmask', K.SIG_BLOCK, signal))
      const back = new SignalReceiver(sender.actor, signal)
      await back.waits(false)
      await sender.actor.must(sender.send(''))
      if ((await receiver.actor.do(receiver.receive())).error !== undefined) return 'none'
      stage.intend('The target uses the same handle, its own pid: it reaches itself.')
      await receiver.actor.must(sender.send(''))
      const own = await receiver.actor.do(receiver.receive())
      const seen = await stage.unless(async () => ((await back.actor.do(back.receive())).error === 'EAGAIN' ? 'one-way' : 'two-way'), {
        text: 'the pid of the sender reaches the sender',
        see: async () => {
          await receiver.actor.must(call('kill', sender.actor.pid, signal))
          return (await back.actor.must(back.receive())).result
        },
      })
      return own.error === undefined && seen !== undefined ? seen : 'none'
    }),
  },
})
