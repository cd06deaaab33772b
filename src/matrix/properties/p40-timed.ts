import { type Call, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import type { PosixSemaphoreEnd } from '../subjects/posix-semaphore.js'
import { timeval } from '../subjects/sockets.js'
import type { Pair, Subject } from '../subjects/subject.js'
import type { SysvSemaphoreEnd } from '../subjects/sysv-semaphore.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, SIGNALS } from './property.js'

/** How long the calls may wait. */
const LIMIT_MS = 40
/** Limits of sockets are counted in ticks of the kernel, of which the first has begun: 10 ms at most. time(7) */
const TICK_MS = 10

/** An empty mechanism and a call that waits for so long: what it answers then, and that it does not answer sooner. */
async function afterLimit(stage: Stage, { receiver, sender }: Pair, timed: Call): Promise<string> {
  const started = performance.now()
  const { error, result } = await receiver.actor.do(timed)
  const ms = performance.now() - started
  if (ms < LIMIT_MS - TICK_MS) return `${error ?? result} after ${Math.floor(ms)} ms of ${LIMIT_MS}`
  stage.observe(`it waited for its ${LIMIT_MS} ms`)
  stage.intend('Control: the same call takes what is there.')
  await sender.actor.must(sender.send('x'))
  await receiver.actor.must(timed)
  return error ?? `${result} in time`
}

const timedBy =
  (timed: (pair: Pair, subject: Subject) => Call | Promise<Call>): Experiment =>
  async (stage, subject) => {
    const pair = await subject.meet(stage)
    return afterLimit(stage, pair, await timed(pair, subject))
  }

export default defineProperty({
  id: 'P40',
  name: 'timed-operation',
  experiments: {
    psem: timedBy(({ receiver }) => call('sem_timedwait', (receiver as PosixSemaphoreEnd).address, LIMIT_MS)),
    svsem: timedBy(({ receiver }) => call('semtimedop', (receiver as SysvSemaphoreEnd).id, LIMIT_MS, 0, -1, 0)),
    pmq: timedBy(({ receiver }) => {
      const [queue = 0, room = 0] = receiver.receive().args
      return call('mq_timedreceive', queue, room, LIMIT_MS)
    }),
    ...each(
      SIGNALS,
      timedBy(({ receiver }) => {
        const [, signal = 0] = receiver.receive().args
        return call('sigtimedwait', LIMIT_MS, signal)
      }),
    ),
    ...each(
      ['ustream', 'useq', 'tcp', ...DATAGRAMS],
      timedBy(async ({ receiver }) => {
        await receiver.actor.must(call('setsockopt', receiver.fd ?? -1, K.SOL_SOCKET, K.SO_RCVTIMEO, timeval(LIMIT_MS)))
        return receiver.receive()
      }),
    ),
    // A read takes no limit: poll(2) does, and answers 0 then.
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const pair = await subject.meet(stage)
      const seen = await afterLimit(stage, pair, call('poll', pair.receiver.fd ?? -1, K.POLLIN, LIMIT_MS))
      return seen === '0 in time' ? 'poll' : seen
    }),
    svmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.actor.handle(K.SIGALRM.value)
      const waiting = receiver.actor.begin(receiver.receive())
      if ((await waiting.settled()) === 'returned') return `did not wait: ${await waiting.outcome}`
      stage.intend('msgrcv(2) takes no limit: only a signal, such as that of an alarm, ends it.')
      await sender.actor.must(call('kill', receiver.actor.pid, K.SIGALRM))
      const { error } = await waiting.outcome
      return error === 'EINTR' ? 'none' : `${error}`
    },
    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [there, here] = [(sender as MemoryEnd).address, (receiver as MemoryEnd).address]
      const started = performance.now()
      const { error, result } = await receiver.actor.do(call('futex_wait', here, 0, LIMIT_MS))
      const ms = performance.now() - started
      if (ms < LIMIT_MS - TICK_MS) return `futex ${error ?? result} after ${Math.floor(ms)} ms of ${LIMIT_MS}`
      stage.intend('Control: the same word, and who waits for it is woken.')
      const waiting = receiver.actor.begin(call('futex_wait', here, 0, -1))
      if ((await waiting.settled()) === 'returned') return `did not wait: ${await waiting.outcome}`
      await sender.actor.must(call('futex_wake', there, 1))
      const woken = await waiting.outcome
      return woken.error === undefined ? `futex ${error ?? result}` : `the wake-up was ${woken.error}`
    }),
  },
})
