import type { Actor } from '../stage/actor.js'
import { call } from '../stage/call.js'
import { either, K, mode } from '../stage/constants.js'
import type { End, Subject } from './subject.js'

/** Opens, or makes with `value` permits, the semaphore `name`; answers its address in the actor. */
export async function openSemaphore(actor: Actor, name: string, value?: number): Promise<number> {
  const flags = value === undefined ? { text: '0', value: 0 } : either(K.O_CREAT, K.O_EXCL)
  return (await actor.must(call('sem_open', name, flags, mode(0o600), value ?? 0))).result
}

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
    await this.actor.must(call('sem_close', this.address))
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
}
