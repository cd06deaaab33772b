import { DATAGRAMS, defineProperty, each, MEMORY, notApplicable, QUEUES, SEMAPHORES, SIGNALS, STREAMS } from './property.js'

export default defineProperty({
  id: 'P15',
  name: 'empty-nonblocking',
  experiments: {
    ...each([...STREAMS, ...DATAGRAMS, ...QUEUES, 'useq', ...SEMAPHORES, ...SIGNALS], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const empty = await receiver.actor.do(receiver.receive())
      return (await stage.unless(async () => empty.error ?? String(empty), {
        text: 'once something is sent, the same call receives it',
        see: async () => {
          await sender.actor.must(sender.send('x'))
          return (await receiver.actor.must(receiver.receive())).result
        },
      })) as string
    }),
    ...notApplicable(MEMORY, 'there is always something to read'),
  },
})
