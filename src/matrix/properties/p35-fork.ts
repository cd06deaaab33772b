import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { attach, type MemoryEnd, map } from '../subjects/memory.js'
import type { SignalReceiver } from '../subjects/signals.js'
import type { Pair } from '../subjects/subject.js'
import { openSemaphores } from '../subjects/sysv-semaphore.js'
import { DATAGRAMS, defineProperty, type Experiment, each, SIGNALS } from './property.js'

/** The child receives what its parent was sent, and what it sets is set for its parent. */
async function oneDescription({ sender, receiver }: Pair): Promise<string> {
  const { actor: parent, fd = -1 } = receiver
  const child = await parent.fork('child of the receiver')
  await sender.actor.must(sender.send('x'))
  const { text } = await child.must(receiver.receive())
  if (text !== 'x') return `the child received ${text}`
  await child.must(call('fcntl', fd, K.F_SETFL, K.O_NONBLOCK))
  const flags = (await parent.must(call('fcntl', fd, K.F_GETFL, 0))).result
  return (flags & K.O_NONBLOCK.value) !== 0 ? 'shared' : 'usable, with flags of its own'
}

/** More than an end needs over the loopback interface. */
const PATIENCE_MS = 2000

/** The sender ends, but its child has its end as well: the receiver sees no end before that is closed, too. */
async function oneEnd(stage: Stage, { sender, receiver }: Pair): Promise<string> {
  const child = await sender.actor.fork('child of the sender')
  await receiver.waits(false)
  stage.intend('The sender closes its end and exits. Its child, which has forgotten that it has the end, is still there.')
  await sender.close()
  await sender.actor.exit()
  const early = await receiver.actor.do(receiver.receive())
  if (early.error !== 'EAGAIN') return `${early} while the child had the end`
  await child.must(call('close', sender.fd ?? -1))
  await receiver.actor.must(call('poll', receiver.fd ?? -1, K.POLLIN, PATIENCE_MS))
  const { result } = await receiver.actor.do(receiver.receive())
  return result === 0 ? 'shared' : 'no end after the last close'
}

const both: Experiment = async (stage, subject) => {
  const pair = await subject.meet(stage)
  const description = await oneDescription(pair)
  return description === 'shared' ? oneEnd(stage, pair) : description
}

/** What one of parent and child stores, the other loads. */
async function mapping(parent: Actor, child: Actor, address: number): Promise<string> {
  const carries = async (from: Actor, to: Actor, text: string) => {
    await from.must(call('store', address, text))
    return (await to.must(call('load', address, text.length))).text === text
  }
  const [up, down] = [await carries(child, parent, 'up'), await carries(parent, child, 'down')]
  return up && down ? 'shared mapping' : 'a copy'
}

/** What `disposition` answers where there is a handler. */
const HANDLED = 2

export default defineProperty({
  id: 'P35',
  name: 'fork',
  experiments: {
    ...each(['pipe', 'fifo', 'ustream', 'useq', 'tcp'], both),
    ...each([...DATAGRAMS, 'pmq'], async (stage, subject) => oneDescription(await subject.meet(stage))),
    memfd: async (stage) => {
      const parent = await stage.actor('parent')
      const { result: fd } = await parent.must(call('memfd_create', 'ipcpg', 0))
      const child = await parent.fork('child')
      stage.intend('Each writes where the other has stopped: they have one offset.')
      await child.must(call('write', fd, 'abc'))
      await parent.must(call('write', fd, 'def'))
      const { text } = await parent.must(call('load', await map(parent, fd), 'abcdef'.length))
      return text === 'abcdef' ? 'shared' : `an offset each: ${text}`
    },
    psem: async (stage, subject) => {
      const { receiver } = await subject.meet(stage)
      const child = await receiver.actor.fork('child of the receiver')
      await receiver.waits(false)
      const before = await receiver.actor.do(receiver.receive())
      if (before.error !== 'EAGAIN') return `${before} before the post`
      await child.must(receiver.send(''))
      const after = await receiver.actor.do(receiver.receive())
      return after.error === undefined ? 'shared' : `a copy: ${after}`
    },
    pshm: async (stage, subject) => {
      const { actor, address } = (await subject.meet(stage)).receiver as MemoryEnd
      return mapping(actor, await actor.fork('child'), address)
    },
    svshm: async (stage) => {
      const parent = await stage.actor('parent')
      const { id, address } = await attach(parent, await stage.key('sysv-shm'), 'make')
      const attached = async () => (await parent.must(call('shmctl', id, K.IPC_STAT))).number('attached')
      const before = await attached()
      const child = await parent.fork('child')
      const more = (await attached()) - before
      return more === 1 ? mapping(parent, child, address) : `${more} more attached`
    },
    svsem: async (stage) => {
      const [holder, observer] = [await stage.actor('holder'), await stage.actor('observer')]
      const id = await openSemaphores(observer, await stage.key('sysv-sem'), 1)
      const permits = async (actor: Actor) => (await actor.must(call('semctl', id, 0, K.GETVAL, 0))).result
      await holder.must(call('semop', id, 0, -1, K.SEM_UNDO))
      const child = await holder.fork('child of the holder')
      if ((await permits(child)) !== 0) return 'id not usable'
      stage.intend('What the child does not owe, it does not give back.')
      await child.exit()
      const inherited = await permits(observer)
      stage.intend('Control: its parent does.')
      await holder.exit()
      const undone = await permits(observer)
      return inherited === 0 && undone === 1 ? 'id usable; semadj cleared' : `${inherited} after the child, ${undone} after the parent`
    },
    svmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const child = await receiver.actor.fork('child of the receiver')
      await sender.actor.must(sender.send('x'))
      const { text, error } = await child.do(receiver.receive())
      return text === 'x' ? 'id usable' : String(error)
    },
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { actor: parent, signal } = receiver as SignalReceiver
      await parent.handle(signal)
      await sender.actor.must(sender.send(''))
      const child = await parent.fork('child of the receiver')
      const pending = async (actor: Actor) => (await actor.must(call('sigpending', signal))).result
      if ((await pending(parent)) !== 1) return 'not pending'
      const cleared = (await pending(child)) === 0
      const kept = (await child.must(call('disposition', signal))).result === HANDLED
      return `pending ${cleared ? 'cleared' : 'kept'}, handlers ${kept ? 'kept' : 'reset'}`
    }),
  },
})
