import type { Actor } from '../../stage/actor.js'
import { type Call, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { MemoryEnd } from '../subjects/memory.js'
import type { PosixSemaphoreEnd } from '../subjects/posix-semaphore.js'
import { timeval } from '../subjects/sockets.js'
import type { End, Pair } from '../subjects/subject.js'
import { DATAGRAMS, defineProperty, each, MEMORY, SIGNALS } from './property.js'

/** Longer than any cell takes: a limit that is set, and never reached. */
const NEVER_MS = 60_000

/**
 * Interrupts the call in its sleep by a signal whose handler has SA_RESTART. Answers `EINTR`, or `restarted`
 * where it sleeps on, the handler has run, and the call takes what `release` brings.
 */
async function interrupted(receiver: Actor, sender: Actor, wait: Call, release: Call): Promise<string> {
  await receiver.handle(K.SIGUSR1.value)
  const waiting = receiver.begin(wait)
  if ((await waiting.settled()) === 'returned') return `did not wait: ${await waiting.outcome}`
  await sender.must(call('kill', receiver.pid, K.SIGUSR1))
  const sleeps = (await waiting.settled()) === 'blocked'
  if (sleeps) await sender.must(release)
  const { error } = await waiting.outcome
  const ran = (await receiver.must(call('handled'))).result
  if (ran !== 1) return `the handler ran ${ran} times`
  return error ?? (sleeps ? 'restarted' : 'ended by the signal, without an error')
}

const received = ({ sender, receiver }: Pair, wait: Call = receiver.receive()) =>
  interrupted(receiver.actor, sender.actor, wait, sender.send('x'))

const futexWait = (end: End, ms: number) => call('futex_wait', (end as MemoryEnd).address, 0, ms)

export default defineProperty({
  id: 'P39',
  name: 'signal-while-blocked',
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => received(await subject.meet(stage))),
    pmq: async (stage, subject) => {
      const pair = await subject.meet(stage)
      const [queue = 0, room = 0] = pair.receiver.receive().args
      const plain = await received(pair)
      const timed = await received(pair, call('mq_timedreceive', queue, room, NEVER_MS))
      return plain === timed ? plain : `mq_receive ${plain}; mq_timedreceive ${timed}`
    },
    psem: async (stage, subject) => {
      const pair = await subject.meet(stage)
      const plain = await received(pair)
      const timed = await received(pair, call('sem_timedwait', (pair.receiver as PosixSemaphoreEnd).address, NEVER_MS))
      return `sem_wait ${plain}; sem_timedwait ${timed}`
    },
    ...each(['svsem', 'svmq'], async (stage, subject) => {
      const pair = await subject.meet(stage)
      const [first, second] = [await received(pair), await received(pair)]
      return first === 'EINTR' && second === 'EINTR' ? 'EINTR always' : `${first}, then ${second}`
    }),
    ...each(['ustream', 'useq', 'tcp', ...DATAGRAMS], async (stage, subject) => {
      const pair = await subject.meet(stage)
      const plain = await received(pair)
      await pair.receiver.actor.must(call('setsockopt', pair.receiver.fd ?? -1, K.SOL_SOCKET, K.SO_RCVTIMEO, timeval(NEVER_MS)))
      const timed = await received(pair)
      return plain === timed ? plain : `${plain}; ${timed} if SO_RCVTIMEO is set`
    }),
    ...each(SIGNALS, async (stage, subject) => received(await subject.meet(stage))),
    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const wake = call('futex_wake', (sender as MemoryEnd).address, 1)
      const timed = await interrupted(receiver.actor, sender.actor, futexWait(receiver, NEVER_MS), wake)
      const plain = await interrupted(receiver.actor, sender.actor, futexWait(receiver, -1), wake)
      return timed === 'EINTR' && plain === 'restarted' ? 'futex: EINTR with timeout' : `futex: ${plain}; with timeout ${timed}`
    }),
  },
})
