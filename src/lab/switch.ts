/**
 * An Ethernet of several hosts: a switch in user space, which learns at which port a hardware address lives and sends
 * what is for many, or for somebody unknown, to all others. It knows nothing of IGMP. IEEE 802.1D
 */
import { Capture } from './capture.js'
import type { End } from './end.js'
import { decodeFrame, isForMany } from './ethernet.js'

export class Switch extends Capture {
  readonly #ports = new Map<string, End>()
  readonly #learned = new Map<string, string>()

  /** The other end of the cable becomes the switch's. */
  plug(host: string, end: End): void {
    this.#ports.set(host, end)
    end.listen((bytes) => this.#take(host, bytes))
  }

  override close(): void {
    for (const end of this.#ports.values()) end.close()
    super.close()
  }

  #take(from: string, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes, from, this.name)
    // IPv6, which no story is about.
    if (frame === undefined) return
    this.#learned.set(frame.source, from)
    const port = isForMany(frame.destination) ? undefined : this.#learned.get(frame.destination)
    const others = [...this.#ports.keys()].filter((host) => host !== from)
    const to = (port === undefined ? others : [port]).filter((host) => this.#ports.get(host)?.put(bytes) === true)
    this.add(frame, to)
  }
}
