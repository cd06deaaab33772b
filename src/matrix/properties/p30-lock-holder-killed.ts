import { call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import { openSemaphore } from '../subjects/posix-semaphore.js'
import { openSemaphores } from '../subjects/sysv-semaphore.js'
import { DATAGRAMS, defineProperty, each, MEMORY, notApplicable, QUEUES, SIGNALS } from './property.js'

/** A file that both lock, to compare with what the token does. */
async function lockedFile(stage: Stage) {
  const [holder, survivor] = [await stage.actor('holder of the file lock'), await stage.actor('survivor')]
  const path = await stage.path()
  const flags = either(K.O_RDWR, K.O_CREAT)
  const open = async (actor: typeof holder) => (await actor.must(call('open', path, flags, 0o600))).result
  return { holder, survivor, held: await open(holder), wanted: await open(survivor) }
}

export default defineProperty({
  id: 'P30',
  name: 'lock-holder-killed',
  experiments: {
    psem: async (stage) => {
      const [holder, survivor] = [await stage.actor('holder'), await stage.actor('survivor')]
      const name = await stage.name('sem')
      const held = await openSemaphore(holder, name, 1)
      const wanted = await openSemaphore(survivor, name)
      await holder.must(call('sem_wait', held))
      await holder.kill()
      const seen = await stage.unless(
        async () => ((await survivor.do(call('sem_trywait', wanted))).error === 'EAGAIN' ? undefined : 'freed'),
        {
          text: 'a post by anybody frees it, for no owner is recorded',
          see: async () => {
            await survivor.must(call('sem_post', wanted))
            return (await survivor.must(call('sem_trywait', wanted))).result
          },
        },
      )
      return seen ?? 'stuck'
    },

    svsem: async (stage) => {
      const key = await stage.key('sysv-sem')
      const survivor = await stage.actor('survivor')
      const id = await openSemaphores(survivor, key, 1)
      const taken = async (flags: number) => {
        const holder = await stage.actor('holder')
        await holder.must(call('semop', id, 0, -1, { text: flags === 0 ? '0' : 'SEM_UNDO', value: flags }))
        const before = await survivor.must(call('semctl', id, 0, K.GETVAL, 0))
        if (before.result !== 0) return 'not taken'
        await holder.kill()
        return (await survivor.must(call('semctl', id, 0, K.GETVAL, 0))).result
      }
      const restored = await taken(K.SEM_UNDO.value)
      stage.intend('Control: without SEM_UNDO the permit is lost with its holder.')
      await survivor.must(call('semctl', id, 0, K.SETVAL, 1))
      const lost = await taken(0)
      if (restored === 1 && lost === 0) return 'restored with SEM_UNDO'
      return `${restored} with SEM_UNDO, ${lost} without`
    },

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = (await subject.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
      const [holder, survivor] = [sender.actor, receiver.actor]
      await survivor.must(call('mutex_init', receiver.address, 1))
      await holder.must(call('mutex_lock', sender.address))
      const busy = await survivor.do(call('mutex_trylock', receiver.address))
      stage.intend('Control: while the holder lives, the mutex is taken.')
      if (busy.error !== 'EBUSY') return `${busy} while it was held`
      await holder.kill()
      const seen = await survivor.do(call('mutex_lock', receiver.address))
      if (seen.error !== 'EOWNERDEAD') return `robust mutex: ${seen}`
      stage.intend('The survivor makes it consistent: it works again.')
      await survivor.must(call('mutex_consistent', receiver.address))
      await survivor.must(call('mutex_unlock', receiver.address))
      await survivor.must(call('mutex_lock', receiver.address))
      return 'robust mutex: EOWNERDEAD'
    }),

    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      stage.intend('A token in the pipe is the lock: who reads it holds it, who writes it back frees it.')
      await sender.actor.must(sender.send('T'))
      const holder = await receiver.actor.fork('holder of the token')
      await holder.must(receiver.receive(1))
      await holder.kill()
      await receiver.waits(false)
      const token = await stage.unless(
        async () => ((await receiver.actor.do(receiver.receive(1))).error === 'EAGAIN' ? undefined : 'token kept'),
        {
          text: 'a new token is read',
          see: async () => {
            await sender.actor.must(sender.send('T'))
            return (await receiver.actor.must(receiver.receive(1))).result
          },
        },
      )
      stage.intend('A lock on a file belongs to its holder: the kernel frees it.')
      const { holder: locker, survivor, held, wanted } = await lockedFile(stage)
      const lock = either(K.LOCK_EX, K.LOCK_NB)
      await locker.must(call('flock', held, lock))
      const busy = await survivor.do(call('flock', wanted, lock))
      if (busy.error !== 'EAGAIN') return `flock: ${busy} while it was held`
      await locker.kill()
      const free = await survivor.do(call('flock', wanted, lock))
      return `${token ?? 'token lost'} / flock ${free.error === undefined ? 'freed' : free}`
    }),

    ...notApplicable([...QUEUES, 'ustream', 'useq', 'tcp', ...DATAGRAMS], 'it carries messages; a lock over it is a server that holds it'),
    ...notApplicable(SIGNALS, 'a signal is no lock'),
  },
})
