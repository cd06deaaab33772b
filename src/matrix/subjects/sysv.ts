/** What the three mechanisms of System V have in common: an object has a key and an id, and nobody opens it. sysvipc(7) */
import type { Actor } from '../../stage/actor.js'
import type { Call, Constant, Payload } from '../../stage/call.js'
import type { ObjectKind } from '../../stage/company.js'
import { either, K, mode } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { End, NamedObject } from './subject.js'

export interface SysvKind {
  readonly objects: Extract<ObjectKind, `sysv-${string}`>
  get(key: number, flags: Constant): Call
  remove(id: number): Call
}

const OWNER = mode(0o600)
const FIND = either()
const MAKE = either(K.IPC_CREAT, K.IPC_EXCL, OWNER)
const MAKE_OR_FIND = either(K.IPC_CREAT, OWNER)

/** Makes the object, or finds it; answers its id, which is the same in every process. */
export async function idOf({ get }: SysvKind, actor: Actor, key: number, way: 'make' | 'find'): Promise<number> {
  return (await actor.must(get(key, way === 'find' ? FIND : MAKE))).result
}

/** An object under a new key, whose ends `open` makes. */
export async function keyed(
  { objects, get, remove }: SysvKind,
  stage: Stage,
  open: (actor: Actor, key: number) => Promise<End>,
): Promise<NamedObject> {
  const name = await stage.key(objects)
  return {
    name,
    make: (actor, exclusively) => actor.do(get(name, exclusively ? MAKE : MAKE_OR_FIND)),
    find: (actor) => actor.do(get(name, FIND)),
    open: (actor) => open(actor, name),
    async remove(actor) {
      const found = await actor.do(get(name, FIND))
      return found.error === undefined ? actor.do(remove(found.result)) : found
    },
  }
}

/** Of a queue or a set of semaphores: each call says whether it waits. */
export abstract class SysvEnd implements End {
  readonly actor: Actor
  readonly id: number
  #waits = true

  constructor(actor: Actor, id: number) {
    this.actor = actor
    this.id = id
  }

  abstract send(payload: Payload): Call
  abstract receive(room?: number): Call

  async waits(on: boolean): Promise<void> {
    this.#waits = on
  }

  /** There is nothing to give up: an id is not opened. */
  async close(): Promise<void> {}

  protected get flags(): number | Constant {
    return this.#waits ? 0 : K.IPC_NOWAIT
  }
}
