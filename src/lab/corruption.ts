import type { Packet } from './packet.js'

/** A copy of the packet's bytes with one bit turned: in what the user sent, where it carries any, else in the transport's header. */
export function corrupted({ bytes, payloadLength }: Packet, random: () => number): Uint8Array {
  const copy = bytes.slice()
  const room = payloadLength > 0 ? payloadLength : copy.length - 20
  const bit = Math.floor(random() * room * 8)
  const at = copy.length - room + (bit >> 3)
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7))
  return copy
}
