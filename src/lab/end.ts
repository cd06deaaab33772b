/** Where what a host sends comes out into this process, and where what it is to receive goes in. */
import { check } from '../core/errors.js'
import { native } from '../native/index.js'
import { DescriptorWatcher, EPOLLIN } from '../native/loop.js'

const LARGEST_PACKET = 65_550

export interface End {
  /** `arrived` is called with each of what comes out, from now on. */
  listen(arrived: (bytes: Uint8Array) => void): void
  /** Hands over what has come out by now, without waiting for the event loop. */
  drain(): void
  /** Whether the host takes it: one that has just gone, or whose interface is down, takes nothing. */
  put(bytes: Uint8Array): boolean
  close(): void
}

/** The end at a descriptor of which each read(2) and write(2) is one packet. It becomes the end's. */
export class DescriptorEnd implements End {
  readonly #fd: number
  readonly #buffer = new Uint8Array(LARGEST_PACKET)
  #watcher: DescriptorWatcher | undefined
  #arrived: (bytes: Uint8Array) => void = () => {}

  constructor(fd: number) {
    this.#fd = fd
    check(native.fdSetNonblock(fd, 1), 'fcntl', {})
  }

  listen(arrived: (bytes: Uint8Array) => void): void {
    this.#arrived = arrived
    this.#watcher = new DescriptorWatcher(this.#fd, () => this.drain())
    check(this.#watcher.want(EPOLLIN), 'epoll_ctl', {})
  }

  drain(): void {
    for (let length = this.#read(); length > 0; length = this.#read()) this.#arrived(this.#buffer.slice(0, length))
  }

  put(bytes: Uint8Array): boolean {
    return native.fdWrite(this.#fd, bytes) >= 0
  }

  close(): void {
    this.#watcher?.close()
    native.fdClose(this.#fd)
  }

  #read(): number {
    return native.fdRead(this.#fd, this.#buffer)
  }
}
