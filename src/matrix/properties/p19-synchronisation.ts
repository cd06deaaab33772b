import { call } from '../../stage/call.js'
import { viewOf } from '../../stage/kernel.js'
import { Uncontrolled } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import { DATAGRAMS, defineProperty, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS, STREAMS } from './property.js'

/** How much another process does meanwhile: time passes, though nobody knows how much. */
const MEANWHILE = 50_000

export default defineProperty({
  id: 'P19',
  name: 'synchronisation',
  experiments: {
    ...each([...STREAMS, 'useq', ...QUEUES, ...DATAGRAMS, ...SEMAPHORES, ...SIGNALS], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const pending = receiver.actor.begin(receiver.receive())
      if ((await pending.settled()) === 'returned') return 'no'
      const { switches } = viewOf(receiver.actor.pid)
      await sender.actor.repeat(MEANWHILE, call('getpid'))
      if ((await pending.settled()) === 'returned') return 'no'
      if (viewOf(receiver.actor.pid).switches !== switches) return 'polls'
      stage.intend('It slept all the while, without a look. Now something is sent.')
      await sender.actor.must(sender.send('x'))
      return (await pending.outcome).error === undefined ? 'yes' : 'no'
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = (await subject.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
      const pending = receiver.actor.begin(receiver.receive(4))
      if ((await pending.settled()) === 'blocked') return 'yes'
      stage.intend('A load does not wait. What does is another mechanism, here a futex beside the data.')
      const waiting = receiver.actor.begin(call('futex_wait', receiver.address, 0, -1))
      if ((await waiting.settled()) === 'returned') throw new Uncontrolled('the futex does not wait')
      await sender.actor.must(sender.send('data'))
      stage.intend('The store alone wakes nobody; a wake does.')
      if ((await waiting.settled()) === 'returned') return 'yes'
      const { result: woken } = await sender.actor.must(call('futex_wake', sender.address, 1))
      await waiting.outcome
      return woken === 1 ? 'no' : `${woken} woken`
    }),
  },
})
