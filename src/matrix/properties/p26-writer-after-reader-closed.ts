import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { signalPair } from '../subjects/signals.js'
import type { End, Subject } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES } from './property.js'

/** The last reader gives its end up; answers the writer. */
async function abandoned(stage: Stage, subject: Subject): Promise<End> {
  const { sender, receiver } = await subject.meet(stage)
  stage.intend('While the reader is there, it receives what is sent.')
  await sender.actor.must(sender.send('x'))
  await receiver.actor.must(receiver.receive())
  await receiver.close()
  await receiver.actor.exit()
  return sender
}

const word = (outcome: { readonly error: string | undefined }): string => outcome.error ?? 'ok'

/** More than an answer over the loopback interface takes. */
const PATIENCE_MS = 5000

/** The first send returns before the other side's kernel has answered that nobody is there; the second comes after that. */
const twice = async (writer: End, patience = PATIENCE_MS): Promise<readonly [string, string]> => {
  const first = await writer.actor.do(writer.send('first'))
  await writer.actor.must(call('poll', writer.fd ?? -1, 0, patience))
  return [word(first), word(await writer.actor.do(writer.send('second')))]
}

/** What is sent stays where it was sent to: the writer itself finds it there. */
const unnoticed: Experiment = async (stage, subject) => {
  const writer = await abandoned(stage, subject)
  await writer.waits(false)
  const sent = [await writer.actor.do(writer.send('x')), await writer.actor.do(writer.send('x'))]
  const failed = sent.find(({ error }) => error !== undefined)
  if (failed !== undefined) return String(failed)
  stage.intend('Both succeeded. What was sent is there, for whoever comes.')
  const found = await writer.actor.do(writer.receive())
  return found.error === undefined ? 'never knows' : `lost: ${found}`
}

export default defineProperty({
  id: 'P26',
  name: 'writer-after-reader-closed',
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const writer = await abandoned(stage, subject)
      stage.intend('The writer catches SIGPIPE, which would end it.')
      await writer.actor.handle(K.SIGPIPE.value)
      const { error } = await writer.actor.do(writer.send('x'))
      const signals = (await writer.actor.must(call('handled'))).numbers('signal')
      return [error ?? 'ok', ...signals.map((signal) => (signal === K.SIGPIPE.value ? 'SIGPIPE' : `signal ${signal}`))].join(' + ')
    }),
    ...each(['ustream', 'useq', 'udgram'], async (stage, subject) => {
      const writer = await abandoned(stage, subject)
      return word(await writer.actor.do(writer.send('x')))
    }),
    tcp: async (stage, subject) => {
      const [first, second] = await twice(await abandoned(stage, subject))
      return `1st ${first}, 2nd ${second}`
    },
    udp: async (stage, subject) => {
      const [first, second] = await twice(await abandoned(stage, subject))
      return first === 'ok' ? `2nd: ${second}` : `1st: ${first}`
    },
    mcast: async (stage, subject) => {
      const [first, second] = await twice(await abandoned(stage, subject), 0)
      return first === 'ok' && second === 'ok' ? 'never knows' : `1st ${first}, 2nd ${second}`
    },
    ...each([...QUEUES, ...SEMAPHORES, ...MEMORY], unnoticed),
    ...each(['sig', 'rtsig'], async (stage, { key }) => {
      const parent = await stage.actor('sender')
      const { sender, receiver } = await signalPair(key === 'sig' ? key : 'rtsig', parent, await parent.spawn('receiver'))
      await receiver.actor.exit()
      stage.intend('It has ended, but its parent has not asked for its end: the pid is still its own.')
      const zombie = await parent.do(sender.send(''))
      if (zombie.error !== undefined) return `${zombie} of a zombie`
      await parent.must(call('wait', sender.target, 0))
      return word(await parent.do(sender.send('')))
    }),
  },
})
