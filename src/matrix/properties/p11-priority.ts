import { call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import { Skip } from '../../stage/stage.js'
import { STANDARD } from '../subjects/signals.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, SEMAPHORES } from './property.js'

/** The priorities of a queue of POSIX are below MQ_PRIO_MAX. mq_send(3) */
const HIGHEST = 32_767

/** An urgent byte is read before what was sent earlier. `name` is what the mechanism's manual calls it. */
const urgent =
  (name: string): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const [out, into] = [sender.fd ?? -1, receiver.fd ?? -1]
    const sendUrgently = (text: string) => call('send', out, text, K.MSG_OOB)
    const receiveUrgent = async () => (await receiver.actor.do(call('recv', into, 1, K.MSG_OOB))).text
    await sender.actor.must(sender.send('first '))
    const sent = await sender.actor.do(sendUrgently('ab'))
    if (sent.error === 'EOPNOTSUPP') throw new Skip('this kernel has no urgent bytes over unix sockets')
    await receiver.actor.must(call('poll', into, K.POLLPRI, -1))
    stage.intend('Of what was sent urgently the last byte is read before all else.')
    const first = await receiveUrgent()
    stage.intend('Two more: there is room for one, so that the other is a byte like any.')
    await sender.actor.must(sendUrgently('c'))
    await sender.actor.must(sendUrgently('d'))
    await sender.actor.must(call('shutdown', out, K.SHUT_WR))
    await receiver.actor.must(call('poll', into, K.POLLRDHUP, -1))
    const second = await receiveUrgent()
    let stream = ''
    for (let read = ' '; read !== ''; stream += read) read = (await receiver.actor.must(receiver.receive())).text
    stage.observe(`urgent: ${first}, ${second}; in the stream: ${stream}`)
    if (first !== 'b') return 'no'
    return second === 'd' && stream.startsWith('first a') && stream.includes('c') ? name : `${first}, ${second}; then ${stream}`
  }

export default defineProperty({
  id: 'P11',
  name: 'priority',
  experiments: {
    pmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [queue = -1] = sender.send('').args
      const send = (text: string, priority: number) => call('mq_send', queue, text, priority)
      for (const [text, priority] of [
        ['low', 0],
        ['high', HIGHEST],
        ['high2', HIGHEST],
        ['low2', 0],
      ] as const)
        await sender.actor.must(send(text, priority))
      const order: string[] = []
      for (let at = 0; at < 4; at++) order.push((await receiver.actor.must(receiver.receive())).text)
      stage.intend('One more than the highest is refused.')
      const over = await sender.actor.do(send('higher', HIGHEST + 1))
      if (order.join() !== 'high,high2,low,low2') return 'no'
      return over.error === 'EINVAL' ? `0..${HIGHEST}, higher first` : `${HIGHEST + 1} is ${over}`
    },

    svmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const [queue = -1] = sender.send('').args
      for (const [text, type] of [
        ['third', 3],
        ['first', 1],
        ['second', 2],
        ['last', 3],
      ] as const)
        await sender.actor.must(call('msgsnd', queue, type, text, 0))
      const take = async (type: number, flags: typeof K.MSG_EXCEPT = K.IPC_NOWAIT) =>
        (await receiver.actor.must(call('msgrcv', queue, 16, type, either(K.IPC_NOWAIT, flags)))).text
      stage.intend('Type 2; the lowest type of those up to 3; any but type 1; any.')
      const order = [await take(2), await take(-3), await take(1, K.MSG_EXCEPT), await take(0)]
      const none = await sender.actor.do(call('msgsnd', queue, 0, 'none', 0))
      if (none.error !== 'EINVAL') return `a message of type 0 is ${none}`
      return order.join() === 'second,first,third,last' ? 'by type' : 'no'
    },

    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.actor.must(call('sigprocmask', K.SIG_BLOCK, K.SIGUSR1))
      for (const signal of [K.SIGUSR1, STANDARD]) await sender.actor.must(call('kill', receiver.actor.pid, signal))
      stage.intend('Two pend; the receiver asks for the one that was sent later.')
      return byNumber(await receiver.actor.do(call('sigtimedwait', 0, STANDARD)), STANDARD.value)
    },

    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [target = 0, low = 0] = sender.send('').args
      const high = Number(low) + 1
      await receiver.actor.must(call('sigprocmask', K.SIG_BLOCK, high))
      for (const signal of [high, low, high]) await sender.actor.must(call('sigqueue', target, signal, 0))
      stage.intend('Three pend. Of any the lowest number comes first; then the receiver asks for the higher.')
      const lowest = await receiver.actor.do(call('sigtimedwait', 0, low, high))
      await sender.actor.must(call('sigqueue', target, low, 0))
      return lowest.result === low ? byNumber(await receiver.actor.do(call('sigtimedwait', 0, high)), high) : 'no'
    },

    tcp: urgent('1 urgent byte'),
    ustream: urgent('1 OOB byte'),

    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const text of ['low', 'high']) await sender.actor.must(sender.send(text))
      stage.intend('There is nothing to send urgently with, and no place to read from but the front.')
      const urgently = await sender.actor.do(call('send', sender.fd ?? -1, 'x', K.MSG_OOB))
      const further = await receiver.actor.do(call('lseek', receiver.fd ?? -1, 3))
      const { text } = await receiver.actor.must(receiver.receive())
      return urgently.error === 'ENOTSOCK' && further.error === 'ESPIPE' && text === 'lowhigh' ? 'no' : text
    }),

    ...each([...DATAGRAMS, 'useq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const urgently = await sender.actor.do(call('send', sender.fd ?? -1, 'x', either(K.MSG_OOB, K.MSG_NOSIGNAL)))
      return (await stage.unless(async () => (urgently.error === 'EOPNOTSUPP' ? 'no' : 'urgent messages'), {
        text: 'without the flag it is sent, and received',
        see: async () => {
          await sender.actor.must(sender.send('x'))
          return (await receiver.actor.must(receiver.receive())).text === 'x' || undefined
        },
      })) as string
    }),

    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await sender.actor.fork('second sender')
      await sender.actor.must(sender.send('low'))
      await second.must(sender.send('high'))
      stage.intend('A permit tells neither what was posted nor by whom: there is nothing to choose by.')
      const taken = [await receiver.actor.must(receiver.receive()), await receiver.actor.must(receiver.receive())]
      return taken.every(({ result, each }) => result === 0 && each.length === 0) ? 'no' : taken.join()
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const text of ['low ', 'high']) await sender.actor.must(sender.send(text))
      stage.intend('What was stored later stands in the place of what was stored before: nothing waits to be chosen.')
      const loads = [await receiver.actor.must(receiver.receive(4)), await receiver.actor.must(receiver.receive(4))]
      return loads.every(({ text }) => text === 'high') ? 'no' : loads.join()
    }),
  },
})

const byNumber = ({ result }: { readonly result: number }, asked: number): string => (result === asked ? 'by number' : 'no')
