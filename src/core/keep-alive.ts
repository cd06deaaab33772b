/** What keeps the process alive while anything open wants it to. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'

let holders = 0
/**
 * Nobody ever posts to it. A timer would do as well, but would give each wait of the event loop an end, for which the
 * kernel programs a clock every time.
 */
let port: MessagePort | undefined

/** Held by each open channel and server; `ref`, `unref` and closing change it. */
export class KeepAlive {
  #holding = false

  hold(on: boolean): void {
    if (on === this.#holding) return
    this.#holding = on
    holders += on ? 1 : -1
    if (holders > 0) {
      port ??= new MessageChannel().port1
      port.ref()
    } else port?.unref()
  }
}
