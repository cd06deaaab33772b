import type { Stage } from '../stage/stage.js'
import type { End, Subject } from '../subjects/subject.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS, STREAMS } from './property.js'
import { type Received, receive } from './word.js'

const WORD = 'last words'

interface Left extends Received {
  readonly writer: number
  readonly receiver: End
}

/** The writer sends and exits; then the reader, which had its end all along, receives. */
async function left(stage: Stage, subject: Subject): Promise<Left> {
  const { sender, receiver } = await subject.meet(stage)
  await receiver.waits(false)
  await sender.actor.must(sender.send(WORD))
  await sender.actor.exit()
  stage.intend('The writer is gone. What does the reader find?')
  return { ...(await receive(receiver, WORD)), writer: sender.actor.pid, receiver }
}

const stays =
  (word: string): Experiment =>
  async (stage, subject) => {
    const { arrived, outcome } = await left(stage, subject)
    return arrived ? word : `lost: ${outcome}`
  }

export default defineProperty({
  id: 'P22',
  name: 'unread-after-writer-exits',
  experiments: {
    ...each([...STREAMS, 'useq', ...DATAGRAMS, ...QUEUES], async (stage, subject) => {
      const { arrived, outcome, receiver } = await left(stage, subject)
      if (!arrived) return `lost: ${outcome}`
      const next = await receiver.actor.do(receiver.receive())
      return next.result === 0 ? 'still readable, then EOF' : 'still readable'
    }),
    ...each(MEMORY, stays('still there')),
    ...each(SEMAPHORES, stays('value stays')),
    ...each(SIGNALS, async (stage, subject) => {
      const { arrived, outcome, writer } = await left(stage, subject)
      if (!arrived) return `lost: ${outcome}`
      stage.observe(`si_pid is ${outcome.number('sender')}, a process that has ended`)
      return outcome.number('sender') === writer ? 'pending stays' : `pending stays, from ${outcome.number('sender')}`
    }),
  },
})
