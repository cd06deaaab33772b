/** The bytes of a connection, put together again from the packets that carry them. RFC 9293, 3.4 */
import { type Packet, payloadOf } from './packet.js'

/** One direction of one connection. What was sent again is seen once; what came early waits for what is before it. */
export class TcpStream {
  #next: number | undefined
  readonly #early: { readonly sequence: number; readonly bytes: Uint8Array }[] = []

  /** Answers the bytes that follow those answered before. */
  take(packet: Packet): readonly Uint8Array[] {
    const { tcp } = packet
    if (tcp === undefined) return []
    if (tcp.flags.includes('SYN')) this.#next = (tcp.sequence + 1) >>> 0
    if (packet.payloadLength === 0) return []
    this.#early.push({ sequence: tcp.sequence, bytes: payloadOf(packet) })
    return [...this.#inOrder()]
  }

  *#inOrder(): Iterable<Uint8Array> {
    for (;;) {
      const next = this.#next
      if (next === undefined) return // its beginning was not seen
      const at = this.#early.findIndex(({ sequence }) => distance(next, sequence) <= 0)
      const [found] = at < 0 ? [] : this.#early.splice(at, 1)
      if (found === undefined) return
      const fresh = found.bytes.subarray(-distance(next, found.sequence))
      this.#next = (next + fresh.length) >>> 0
      if (fresh.length > 0) yield fresh
    }
  }
}

/** How far `to` lies behind `from`, in numbers that wrap. */
const distance = (from: number, to: number): number => (to - from) | 0
