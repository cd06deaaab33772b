import { DATAGRAMS, defineProperty, each, MEMORY, notApplicable, QUEUES, SEMAPHORES, SIGNALS, STREAMS } from './property.js'

export default defineProperty({
  id: 'P09',
  name: 'zero-length-message',
  experiments: {
    ...each([...STREAMS, ...DATAGRAMS, ...QUEUES], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      await sender.actor.must(sender.send(''))
      stage.intend('Nothing was sent, or a message of no bytes; then one byte follows.')
      await sender.actor.must(sender.send('x'))
      const first = await receiver.actor.must(receiver.receive())
      if (first.text === 'x') return 'nothing'
      const second = await receiver.actor.must(receiver.receive())
      return first.result === 0 && second.text === 'x' ? 'delivered' : `${first}, then ${second}`
    }),
    useq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      await sender.actor.must(sender.send(''))
      await sender.actor.must(sender.send('x'))
      const first = await receiver.actor.must(receiver.receive())
      if (first.text === 'x') return 'nothing'
      const second = await receiver.actor.must(receiver.receive())
      if (first.result !== 0 || second.text !== 'x') return `${first}, then ${second}`
      stage.intend('It was delivered. What does the end look like?')
      await sender.close()
      const end = await receiver.actor.must(receiver.receive())
      return end.result === first.result ? 'delivered, ambiguous' : 'delivered'
    },
    ...notApplicable(SEMAPHORES, 'a semaphore carries no bytes'),
    ...notApplicable(SIGNALS, 'a signal has no length'),
    ...notApplicable(MEMORY, 'a store of no bytes is no event'),
  },
})
