import type { Stage } from '../../stage/stage.js'
import type { End, Subject } from '../subjects/subject.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS, STREAMS } from './property.js'
import { type Received, receive } from './word.js'

const WORD = 'last words'

interface Left extends Received {
  readonly writer: number
  readonly receiver: End
}

/** The writer sends and is gone; then the reader, which had its end all along, receives. */
async function left(stage: Stage, subject: Subject, way: 'exit' | 'kill'): Promise<Left> {
  const { sender, receiver } = await subject.meet(stage)
  await receiver.waits(false)
  await sender.actor.must(sender.send(WORD))
  await sender.actor[way]()
  stage.intend('The writer is gone. What does the reader find?')
  return { ...(await receive(receiver, WORD)), writer: sender.actor.pid, receiver }
}

/** The same where the writer exits in order and where it is killed. */
const eitherWay =
  (wordOf: (left: Left, stage: Stage) => string | Promise<string>): Experiment =>
  async (stage, subject) => {
    const told = async (way: 'exit' | 'kill') => {
      const what = await left(stage, subject, way)
      return what.arrived ? wordOf(what, stage) : `lost: ${what.outcome}`
    }
    const [exited, killed] = [await told('exit'), await told('kill')]
    return exited === killed ? exited : `${exited}; after SIGKILL ${killed}`
  }

export default defineProperty({
  id: 'P22',
  name: 'unread-after-writer-exits',
  experiments: {
    ...each(
      [...STREAMS, 'useq', ...DATAGRAMS, ...QUEUES],
      eitherWay(async ({ receiver }) => {
        const next = await receiver.actor.do(receiver.receive())
        return next.result === 0 ? 'still readable, then EOF' : 'still readable'
      }),
    ),
    ...each(
      MEMORY,
      eitherWay(() => 'still there'),
    ),
    ...each(
      SEMAPHORES,
      eitherWay(() => 'value stays'),
    ),
    ...each(
      SIGNALS,
      eitherWay(({ outcome, writer }, stage) => {
        stage.observe(`si_pid is ${outcome.number('sender')}, a process that has ended`)
        return outcome.number('sender') === writer ? 'pending stays' : `pending stays, from ${outcome.number('sender')}`
      }),
    ),
  },
})
