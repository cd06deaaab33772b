/** Waiting for descriptors in the event loop. */
import { native } from './index.js'

export const EPOLLIN = 0x001
export const EPOLLPRI = 0x002
export const EPOLLOUT = 0x004
export const EPOLLERR = 0x008
export const EPOLLHUP = 0x010
export const EPOLLRDHUP = 0x2000

const watchers: (DescriptorWatcher | undefined)[] = []
let poller = -1

function dispatch(fd: number, events: number): void {
  watchers[fd]?.fire(events)
}

/**
 * Watches one descriptor, level-triggered. The kernel is told only when something changes: interest
 * that is dropped stays armed until the first event that nobody wants, so that a receiver which waits,
 * reads and waits again costs no epoll_ctl(2).
 *
 * `close` before the descriptor is closed: epoll keeps watching the open file description while another
 * process holds it.
 */
export class DescriptorWatcher {
  readonly fd: number
  readonly #ready: (events: number) => void
  #watch = -1
  #wanted = 0
  #armed = 0

  constructor(fd: number, ready: (events: number) => void) {
    this.fd = fd
    this.#ready = ready
    watchers[fd] = this
  }

  /**
   * From now on `ready` is called for these. While anything is wanted EPOLLERR comes along, and EPOLLHUP comes as
   * what is wanted. Returns 0 or -errno.
   */
  want(wanted: number): number {
    this.#wanted = wanted
    if ((wanted & ~this.#armed) === 0) return 0
    return this.#arm(wanted)
  }

  fire(events: number): void {
    if (events === EPOLLERR) this.#armed = 0 // libuv has stopped the watch
    const useful = this.#wanted === 0 ? 0 : events & (this.#wanted | EPOLLERR)
    if (useful !== 0) this.#ready(useful)
    if (useful === 0 || this.#armed === 0) this.#arm(this.#wanted)
  }

  close(): void {
    this.#wanted = 0
    this.#armed = 0
    if (this.#watch >= 0) native.watchClose(this.#watch)
    this.#watch = -1
    if (watchers[this.fd] === this) watchers[this.fd] = undefined
  }

  #arm(wanted: number): number {
    if (wanted === this.#armed) return 0
    if (this.#watch < 0) {
      if (poller < 0) poller = native.pollOpen(dispatch)
      if (poller < 0) return poller
      this.#watch = native.watchOpen(poller, this.fd)
      if (this.#watch < 0) return this.#watch
    }
    const result = native.watchSet(this.#watch, wanted)
    if (result >= 0) this.#armed = wanted
    return result
  }
}
