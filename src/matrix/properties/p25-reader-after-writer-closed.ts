import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { End } from '../subjects/subject.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** The writer gives its end up; what does a reader that does not wait see? */
const reading =
  (giveUp: (sender: End) => Promise<void>): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    await receiver.waits(false)
    stage.intend('While the writer has its end, there is nothing to read.')
    const before = await receiver.actor.do(receiver.receive())
    if (before.error !== 'EAGAIN' && before.error !== 'ENOMSG') return `${before} before the end`
    await giveUp(sender)
    const after = await receiver.actor.do(receiver.receive())
    if (after.error === before.error) return 'nothing'
    if (after.result !== 0) return String(after)
    const revents = (await receiver.actor.must(call('poll', receiver.fd ?? -1, K.POLLIN, 0))).number('revents')
    return (revents & K.POLLHUP.value) !== 0 ? '0 = EOF, POLLHUP' : '0 = EOF'
  }

const closes = async (sender: End) => {
  await sender.close()
  await sender.actor.exit()
}

/** Of a socket for both ways: it writes no more, and might still read. */
const writesNoMore = async (sender: End) => {
  await sender.actor.must(call('shutdown', sender.fd ?? -1, K.SHUT_WR))
}

export default defineProperty({
  id: 'P25',
  name: 'reader-after-writer-closed',
  experiments: {
    ...each(['pipe', 'fifo', ...DATAGRAMS, ...QUEUES, ...SEMAPHORES, ...SIGNALS], reading(closes)),
    ...each(['ustream', 'useq', 'tcp'], reading(writesNoMore)),
    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send('last'))
      const before = await receiver.actor.must(receiver.receive(4))
      await closes(sender)
      const after = await receiver.actor.must(receiver.receive(4))
      return before.text === 'last' && after.text === 'last' ? 'nothing' : after.text
    }),
  },
})
