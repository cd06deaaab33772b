import { call } from '../../stage/call.js'
import { DATAGRAMS, defineProperty, each, MEMORY, QUEUES, SEMAPHORES, STREAMS } from './property.js'

/** Three sends of 3, 5 and 7 bytes, then one receive that has room for all of them. */
const PARTS = ['abc', 'defgh', 'ijklmno'] as const

export default defineProperty({
  id: 'P06',
  name: 'message-boundaries',
  experiments: {
    ...each([...STREAMS, ...QUEUES, ...DATAGRAMS, 'useq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const part of PARTS) await sender.actor.must(sender.send(part))
      stage.intend('All is sent; one receive has room for it.')
      const first = (await receiver.actor.must(receiver.receive())).text
      if (first === PARTS.join('')) return 'byte stream'
      const rest = [await receiver.actor.must(receiver.receive()), await receiver.actor.must(receiver.receive())]
      return [first, ...rest.map(({ text }) => text)].join() === PARTS.join() ? 'message' : `pieces: ${first}`
    }),
    ...each(SEMAPHORES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const part of PARTS) await sender.actor.must(sender.send(part))
      await receiver.waits(false)
      stage.intend('Three posts are three permits: there is nothing else to receive.')
      const { times, each } = await receiver.actor.repeat(PARTS.length + 1, receiver.receive())
      return times === PARTS.length && each.length === 0 ? 'none' : `${times} permits`
    }),
    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send(''))
      const taken = await receiver.actor.must(receiver.receive())
      return taken.number('value') === 0 ? 'event' : 'event + word'
    },
    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const send = sender.send('')
      const word = 0x1234567
      await sender.actor.must(call(send.name, ...send.args.slice(0, 2), word))
      const taken = await receiver.actor.must(receiver.receive())
      return taken.number('value') === word ? 'event + word' : 'event'
    },
    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const part of PARTS) await sender.actor.must(sender.send(part))
      stage.intend('Each store began at the same place: what is there is what was stored last.')
      const { text } = await receiver.actor.must(receiver.receive(PARTS[2].length))
      const again = await receiver.actor.must(receiver.receive(PARTS[2].length))
      return text === PARTS[2] && again.text === text ? 'memory' : text
    }),
  },
})
