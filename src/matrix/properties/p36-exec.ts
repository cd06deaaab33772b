import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { mappedBy } from '../../stage/kernel.js'
import type { Stage } from '../../stage/stage.js'
import { attach, map, openObject } from '../subjects/memory.js'
import { openQueue, queueEnd } from '../subjects/posix-queue.js'
import { openSemaphore } from '../subjects/posix-semaphore.js'
import { realtimeSignal, STANDARD } from '../subjects/signals.js'
import { openSemaphores } from '../subjects/sysv-semaphore.js'
import { DATAGRAMS, defineProperty, type Experiment, each } from './property.js'

/** Two descriptors of the same end, of which one is to be closed by execve(2): which are there afterwards? */
const descriptors: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const { actor, fd = -1 } = receiver
  const marked = (await actor.must(call('dup', fd))).result
  await actor.must(call('fcntl', marked, K.F_SETFD, K.FD_CLOEXEC))
  await actor.exec()
  const gone = await actor.do(call('fcntl', marked, K.F_GETFD, 0))
  await sender.actor.must(sender.send('x'))
  const { text, error } = await actor.do(receiver.receive())
  if (text !== 'x') return error ?? text
  return gone.error === 'EBADF' ? 'kept unless CLOEXEC' : 'kept'
}

/** The object is mapped before the exec; then the new image maps it anew, and finds what was in it. */
async function remapped(stage: Stage, actor: Actor, name: string, again: () => Promise<boolean>): Promise<string> {
  if (!mappedBy(actor.pid, name)) return `${name} is not mapped before`
  stage.observe(`/proc/${actor.pid}/maps has ${name}`)
  await actor.exec()
  const kept = mappedBy(actor.pid, name)
  stage.observe(`/proc/${actor.pid}/maps has ${kept ? name : `no ${name}`}`)
  stage.intend('The object is still there, for whoever opens it.')
  if (!(await again())) return 'gone'
  return kept ? 'kept' : 'unmapped'
}

const HELD = 'held'

/** What `disposition` answers. */
const [DEFAULT, IGNORED, HANDLED] = [0, 1, 2]

/** One signal is handled, one ignored, one blocked: what is left of that after the exec? */
const signals =
  (choose: (actor: Actor) => Promise<readonly [number, number, number]>): Experiment =>
  async (stage) => {
    const actor = await stage.actor('receiver')
    const [handled, ignored, blocked] = await choose(actor)
    await actor.handle(handled)
    await actor.must(call('ignore', ignored))
    await actor.must(call('sigprocmask', K.SIG_BLOCK, blocked))
    const disposition = async (signal: number) => (await actor.must(call('disposition', signal))).result
    if ((await disposition(handled)) !== HANDLED) return 'not handled before'
    await actor.exec()
    const reset = (await disposition(handled)) === DEFAULT
    const kept = {
      ignored: (await disposition(ignored)) === IGNORED,
      blocked: (await actor.must(call('sigblocked', blocked))).result === 1,
    }
    return `handlers ${reset ? 'reset' : 'kept'}, ${kept.ignored && kept.blocked ? 'ignored and blocked kept' : JSON.stringify(kept)}`
  }

export default defineProperty({
  id: 'P36',
  name: 'exec',
  experiments: {
    ...each(['pipe', 'fifo', 'ustream', 'useq', 'tcp', ...DATAGRAMS], descriptors),
    memfd: async (stage) => {
      const actor = await stage.actor('receiver')
      const { result: kept } = await actor.must(call('memfd_create', 'kept', 0))
      const { result: marked } = await actor.must(call('memfd_create', 'closed', K.MFD_CLOEXEC))
      await actor.must(call('write', kept, HELD))
      await actor.exec()
      const { text } = await actor.must(call('load', await map(actor, kept), HELD.length))
      const gone = await actor.do(call('fstat', marked))
      return text === HELD && gone.error === 'EBADF' ? 'kept unless MFD_CLOEXEC' : `${text}, ${gone}`
    },
    pmq: async (stage) => {
      const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
      const name = await stage.name('mq')
      const made = await openQueue(sender, name, { messages: 1, bytes: HELD.length })
      const [asIs, cleared] = [await openQueue(receiver, name), await openQueue(receiver, name)]
      stage.intend('Of the second the flag FD_CLOEXEC is taken back.')
      await receiver.must(call('fcntl', cleared, K.F_SETFD, 0))
      await receiver.exec()
      const gone = await receiver.do(call('mq_getattr', asIs))
      stage.intend('Control: the descriptor without the flag receives.')
      await sender.must(queueEnd(sender, made).send(HELD))
      await receiver.must(queueEnd(receiver, cleared, HELD.length).receive())
      return gone.error === 'EBADF' ? 'closed' : 'kept'
    },
    psem: async (stage) => {
      const [maker, actor] = [await stage.actor('maker'), await stage.actor('holder')]
      const name = await stage.name('sem')
      await openSemaphore(maker, name, 1)
      await openSemaphore(actor, name)
      return remapped(stage, actor, `/dev/shm/sem.${name.slice(1)}`, async () => {
        const { error } = await actor.do(call('sem_trywait', await openSemaphore(actor, name)))
        return error === undefined
      })
    },
    pshm: async (stage) => {
      const actor = await stage.actor('holder')
      const name = await stage.name('shm')
      await actor.must(call('store', await map(actor, await openObject(actor, name, 'make')), HELD))
      return remapped(stage, actor, `/dev/shm${name}`, async () => {
        const address = await map(actor, await openObject(actor, name, 'find'))
        return (await actor.must(call('load', address, HELD.length))).text === HELD
      })
    },
    svshm: async (stage) => {
      const actor = await stage.actor('holder')
      const key = await stage.key('sysv-shm')
      const { address } = await attach(actor, key, 'make')
      await actor.must(call('store', address, HELD))
      return remapped(stage, actor, `/SYSV${key.toString(16).padStart(8, '0')}`, async () => {
        const found = await attach(actor, key, 'find')
        return (await actor.must(call('load', found.address, HELD.length))).text === HELD
      })
    },
    svsem: async (stage) => {
      const [holder, observer] = [await stage.actor('holder'), await stage.actor('observer')]
      const id = await openSemaphores(observer, await stage.key('sysv-sem'), 1)
      const permits = async () => (await observer.must(call('semctl', id, 0, K.GETVAL, 0))).result
      await holder.must(call('semop', id, 0, -1, K.SEM_UNDO))
      await holder.exec()
      const after = await permits()
      stage.intend('The new image has taken nothing itself. It exits.')
      await holder.exit()
      const undone = await permits()
      return after === 0 && undone === 1 ? 'semadj kept' : `${after} after the exec, ${undone} after the exit`
    },
    svmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.actor.exec()
      await sender.actor.must(sender.send('x'))
      const { text, error } = await receiver.actor.do(receiver.receive())
      return text === 'x' ? 'id usable' : String(error)
    },
    sig: signals(async () => [STANDARD.value, K.SIGUSR1.value, K.SIGTERM.value]),
    rtsig: signals(async (actor) => {
      const first = await realtimeSignal(actor)
      return [first, first + 1, first + 2]
    }),
  },
})
