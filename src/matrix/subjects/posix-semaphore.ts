import type { Actor } from '../../stage/actor.js'
import { type Call, type Constant, call } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { type End, opened, type Subject } from './subject.js'

const opening = (name: string, flags: readonly Constant[] = [], value = 0): Call =>
  call('sem_open', name, either(...flags), mode(0o600), value)

/** Opens, or makes with `value` permits, the semaphore `name`; answers its address in the actor. */
export async function openSemaphore(actor: Actor, name: string, value?: number): Promise<number> {
  return (await actor.must(opening(name, value === undefined ? [] : [K.O_CREAT, K.O_EXCL], value))).result
}

const closing = (address: number): Call => call('sem_close', address)

export class PosixSemaphoreEnd implements End {
  readonly actor: Actor
  readonly address: number
  #waits = true

  constructor(actor: Actor, address: number) {
    this.actor = actor
    this.address = address
  }

  send() {
    return call('sem_post', this.address)
  }

  receive() {
    return call(this.#waits ? 'sem_wait' : 'sem_trywait', this.address)
  }

  async waits(on: boolean): Promise<void> {
    this.#waits = on
  }

  async close(): Promise<void> {
    await this.actor.must(closing(this.address))
  }
}

/** The sender posts, the receiver waits; there is no permit at first. */
export const psem: Subject = {
  key: 'psem',
  title: 'POSIX named sem',
  adapter: 'semaphore/posix',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const name = await stage.name('sem')
    const made = await openSemaphore(sender, name, 0)
    return { sender: new PosixSemaphoreEnd(sender, made), receiver: new PosixSemaphoreEnd(receiver, await openSemaphore(receiver, name)) }
  },
  async named(stage) {
    const name = await stage.name('sem')
    return {
      name,
      make: (actor, exclusively) => opened(actor, opening(name, exclusively ? [K.O_CREAT, K.O_EXCL] : [K.O_CREAT]), closing),
      find: (actor) => opened(actor, opening(name), closing),
      open: async (actor) => new PosixSemaphoreEnd(actor, await openSemaphore(actor, name)),
      remove: (actor) => actor.do(call('sem_unlink', name)),
    }
  },
}
