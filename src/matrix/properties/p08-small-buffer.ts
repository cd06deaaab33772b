import { DATAGRAMS, defineProperty, each, MEMORY, notApplicable, SEMAPHORES, SIGNALS, STREAMS } from './property.js'

export default defineProperty({
  id: 'P08',
  name: 'small-buffer',
  experiments: {
    ...each([...STREAMS, ...DATAGRAMS, 'useq', 'pmq', 'svmq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      await sender.actor.must(sender.send('abcdef'))
      stage.intend('Six bytes wait; the buffer has room for three.')
      const first = await receiver.actor.do(receiver.receive(3))
      const second = await receiver.actor.do(receiver.receive())
      if (first.error !== undefined) return second.text === 'abcdef' ? first.error : `${first.error}, and the message is gone`
      if (first.text === 'abc' && second.text === 'def') return 'rest kept'
      if (first.text !== 'abc' || second.error === undefined) return `${first}, then ${second}`
      return stage.unless(async () => 'truncated', {
        text: 'the next message comes whole, so that the rest did not go astray',
        see: async () => {
          await sender.actor.must(sender.send('next'))
          const next = await receiver.actor.must(receiver.receive())
          return next.text === 'next' || undefined
        },
      }) as Promise<string>
    }),
    ...notApplicable(SEMAPHORES, 'a semaphore carries no bytes'),
    ...notApplicable(SIGNALS, 'a signal is taken without a buffer'),
    ...notApplicable(MEMORY, 'memory is not received'),
  },
})
