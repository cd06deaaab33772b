import type { Actor } from '../stage/actor.js'
import { type Call, type Constant, call, type Payload } from '../stage/call.js'
import { either, K, mode } from '../stage/constants.js'
import { type End, ROOM, removed, type Subject } from './subject.js'

const OWNER = mode(0o600)
const getting = (key: number, flags: readonly Constant[] = []): Call => call('msgget', key, either(...flags))

/** Makes a queue, or finds it; answers its id, which is the same in every process. */
export async function openSysvQueue(actor: Actor, key: number, way: 'make' | 'find'): Promise<number> {
  return (await actor.must(getting(key, way === 'find' ? [] : [K.IPC_CREAT, K.IPC_EXCL, OWNER]))).result
}

/** Sends messages of type 1, and receives those of any. */
export class SysvQueueEnd implements End {
  readonly actor: Actor
  readonly id: number
  #waits = true

  constructor(actor: Actor, id: number) {
    this.actor = actor
    this.id = id
  }

  send(payload: Payload) {
    return call('msgsnd', this.id, 1, payload, this.#flags())
  }

  receive(room = ROOM) {
    return call('msgrcv', this.id, room, 0, this.#flags())
  }

  async waits(on: boolean): Promise<void> {
    this.#waits = on
  }

  /** There is nothing to give up: an id is not opened. */
  async close(): Promise<void> {}

  #flags() {
    return this.#waits ? 0 : K.IPC_NOWAIT
  }
}

export const svmq: Subject = {
  key: 'svmq',
  title: 'SysV mq',
  adapter: 'message-queue/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-msg')
    const id = await openSysvQueue(sender, key, 'make')
    return { sender: new SysvQueueEnd(sender, id), receiver: new SysvQueueEnd(receiver, await openSysvQueue(receiver, key, 'find')) }
  },
  async named(stage) {
    const name = await stage.key('sysv-msg')
    return {
      name,
      make: (actor, exclusively) => actor.do(getting(name, exclusively ? [K.IPC_CREAT, K.IPC_EXCL, OWNER] : [K.IPC_CREAT, OWNER])),
      find: (actor) => actor.do(getting(name)),
      open: async (actor) => new SysvQueueEnd(actor, await openSysvQueue(actor, name, 'find')),
      remove: (actor) => removed(actor, getting(name), (id) => call('msgctl', id, K.IPC_RMID)),
    }
  },
}
