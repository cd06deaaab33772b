/** Waiting for descriptors in the event loop, through the environment's one epoll descriptor. */
import { constants } from 'node:os'
import { native } from './index.js'

export const EPOLLIN = 0x001
export const EPOLLPRI = 0x002
export const EPOLLOUT = 0x004
export const EPOLLERR = 0x008
export const EPOLLHUP = 0x010
export const EPOLLRDHUP = 0x2000
/** Told once for each change, not for as long as it lasts. */
export const EPOLLET = 1 << 31

const MAX_EVENTS = 64
const events = new Int32Array(2 * MAX_EVENTS)
const watchers: (DescriptorWatcher | undefined)[] = []
let poller = -1

function dispatch(count: number): void {
  if (count === 1) {
    watchers[events[0] as number]?.fire(events[1] as number)
    return
  }
  // A copy: a callback that lets the loop run again would overwrite the shared array.
  const batch = events.slice(0, 2 * count)
  for (let i = 0; i < count; i++) watchers[batch[2 * i] as number]?.fire(batch[2 * i + 1] as number)
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
  #wanted = 0
  #armed = 0

  constructor(fd: number, ready: (events: number) => void) {
    this.fd = fd
    this.#ready = ready
    watchers[fd] = this
  }

  /** From now on `ready` is called for these; ERR and HUP always come along while anything is wanted. Returns 0 or -errno. */
  want(wanted: number): number {
    this.#wanted = wanted
    if ((wanted & ~this.#armed) === 0) return 0
    return this.#arm(wanted)
  }

  fire(events: number): void {
    const useful = events & (this.#wanted | EPOLLERR | EPOLLHUP)
    if (this.#wanted === 0 || useful === 0) {
      this.#arm(this.#wanted)
      return
    }
    this.#ready(useful)
  }

  close(): void {
    this.#wanted = 0
    this.#arm(0)
    if (watchers[this.fd] === this) watchers[this.fd] = undefined
  }

  #arm(wanted: number): number {
    if (wanted === this.#armed) return 0
    if (poller < 0) {
      poller = native.pollOpen(events, dispatch)
      if (poller < 0) return poller
    }
    const result = native.pollSet(poller, this.fd, this.#armed, wanted)
    if (result >= 0 || result === -constants.errno.ENOENT || result === -constants.errno.EBADF) this.#armed = wanted
    return result
  }
}
