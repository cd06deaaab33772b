import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Subject } from './subject.js'
import { idOf, keyed, SysvEnd, type SysvKind } from './sysv.js'

/** Sets of one semaphore. */
const semaphores: SysvKind = {
  objects: 'sysv-sem',
  get: (key, flags) => call('semget', key, 1, flags),
  remove: (id) => call('semctl', id, 0, K.IPC_RMID, 0),
}

/** Makes a set of one semaphore with `value` permits, or finds it; answers its id. */
export async function openSemaphores(actor: Actor, key: number, value?: number): Promise<number> {
  const id = await idOf(semaphores, actor, key, value === undefined ? 'find' : 'make')
  if (value !== undefined) await actor.must(call('semctl', id, 0, K.SETVAL, value))
  return id
}

export class SysvSemaphoreEnd extends SysvEnd {
  send() {
    return call('semop', this.id, 0, 1, 0)
  }

  receive() {
    return call('semop', this.id, 0, -1, this.flags)
  }
}

const find = async (actor: Actor, key: number) => new SysvSemaphoreEnd(actor, await openSemaphores(actor, key))

/** The sender adds, the receiver takes; there is no permit at first. */
export const svsem: Subject = {
  key: 'svsem',
  title: 'SysV sem',
  adapter: 'semaphore/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-sem')
    const id = await openSemaphores(sender, key, 0)
    return { sender: new SysvSemaphoreEnd(sender, id), receiver: await find(receiver, key) }
  },
  named: (stage) => keyed(semaphores, stage, find),
}
