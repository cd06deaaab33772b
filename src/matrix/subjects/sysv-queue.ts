import type { Actor } from '../../stage/actor.js'
import { call, type Payload } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { ROOM, type Subject } from './subject.js'
import { idOf, keyed, SysvEnd, type SysvKind } from './sysv.js'

const queues: SysvKind = {
  objects: 'sysv-msg',
  get: (key, flags) => call('msgget', key, flags),
  remove: (id) => call('msgctl', id, K.IPC_RMID),
}

/** Makes a queue, or finds it; answers its id. */
export const openSysvQueue = (actor: Actor, key: number, way: 'make' | 'find'): Promise<number> => idOf(queues, actor, key, way)

/** Sends messages of type 1, and receives those of any. */
export class SysvQueueEnd extends SysvEnd {
  send(payload: Payload) {
    return call('msgsnd', this.id, 1, payload, this.flags)
  }

  receive(room = ROOM) {
    return call('msgrcv', this.id, room, 0, this.flags)
  }
}

const find = async (actor: Actor, key: number) => new SysvQueueEnd(actor, await openSysvQueue(actor, key, 'find'))

export const svmq: Subject = {
  key: 'svmq',
  title: 'SysV mq',
  adapter: 'message-queue/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-msg')
    const id = await openSysvQueue(sender, key, 'make')
    return { sender: new SysvQueueEnd(sender, id), receiver: await find(receiver, key) }
  },
  named: (stage) => keyed(queues, stage, find),
}
