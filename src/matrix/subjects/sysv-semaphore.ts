import type { Actor } from '../stage/actor.js'
import { type Call, type Constant, call } from '../stage/call.js'
import { either, K, mode } from '../stage/constants.js'
import { type End, removed, type Subject } from './subject.js'

const OWNER = mode(0o600)
const getting = (key: number, flags: readonly Constant[] = []): Call => call('semget', key, 1, either(...flags))

/** Makes a set of one semaphore with `value` permits, or finds it; answers its id, which is the same in every process. */
export async function openSemaphores(actor: Actor, key: number, value?: number): Promise<number> {
  const id = (await actor.must(getting(key, value === undefined ? [] : [K.IPC_CREAT, K.IPC_EXCL, OWNER]))).result
  if (value !== undefined) await actor.must(call('semctl', id, 0, K.SETVAL, value))
  return id
}

export class SysvSemaphoreEnd implements End {
  readonly actor: Actor
  readonly id: number
  #waits = true

  constructor(actor: Actor, id: number) {
    this.actor = actor
    this.id = id
  }

  send() {
    return call('semop', this.id, 0, 1, 0)
  }

  receive() {
    return call('semop', this.id, 0, -1, this.#waits ? 0 : K.IPC_NOWAIT)
  }

  async waits(on: boolean): Promise<void> {
    this.#waits = on
  }

  /** There is nothing to give up: an id is not opened. */
  async close(): Promise<void> {}
}

/** The sender adds, the receiver takes; there is no permit at first. */
export const svsem: Subject = {
  key: 'svsem',
  title: 'SysV sem',
  adapter: 'semaphore/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-sem')
    const id = await openSemaphores(sender, key, 0)
    return { sender: new SysvSemaphoreEnd(sender, id), receiver: new SysvSemaphoreEnd(receiver, await openSemaphores(receiver, key)) }
  },
  async named(stage) {
    const name = await stage.key('sysv-sem')
    return {
      name,
      make: (actor, exclusively) => actor.do(getting(name, exclusively ? [K.IPC_CREAT, K.IPC_EXCL, OWNER] : [K.IPC_CREAT, OWNER])),
      find: (actor) => actor.do(getting(name)),
      open: async (actor) => new SysvSemaphoreEnd(actor, await openSemaphores(actor, name)),
      remove: (actor) => removed(actor, getting(name), (id) => call('semctl', id, 0, K.IPC_RMID, 0)),
    }
  },
}
