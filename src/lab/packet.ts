/** IPv4 packets as a wire sees them. RFC 791, RFC 9293, RFC 768, RFC 792 */
import { type GroupChange, groupChanges } from './igmp.js'

/** The two ends of a link. */
export const SIDES = ['A', 'B'] as const
export type Side = (typeof SIDES)[number]
export const otherSide = (side: Side): Side => (side === 'A' ? 'B' : 'A')

/** The control bits of TCP, in the order in which they lie in the header, the lowest first. RFC 9293, 3.1 */
export const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const
export type Flag = (typeof FLAGS)[number]

export interface TcpHeader {
  readonly flags: readonly Flag[]
  readonly sequence: number
  readonly acknowledgment: number
  /** As it stands in the header: not scaled. */
  readonly window: number
  /** Of a SYN that offers it: by how many bits the windows of its sender are to be shifted. RFC 7323, 2 */
  readonly windowScale?: number
  /** Where URG is set: how far behind `sequence` the urgent data ends. RFC 6093, 3.1 */
  readonly urgentPointer?: number
}

/** One packet, decoded; a fragment behind the first has no ports. */
export interface Packet<From extends string = Side> {
  /** The side that sent it. */
  readonly from: From
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'igmp' | number
  readonly source: string
  readonly destination: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly tcp?: TcpHeader
  readonly icmp?: { readonly type: number; readonly code: number }
  readonly igmp?: readonly GroupChange[]
  readonly ttl: number
  readonly fragment?: { readonly offset: number; readonly more: boolean }
  /** Bytes behind the last header that was decoded. */
  readonly payloadLength: number
  /** The whole of it, headers too. Owned by whoever was handed the packet. */
  readonly bytes: Uint8Array
}

const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp' | 'icmp' | 'igmp'>> = { 1: 'icmp', 2: 'igmp', 6: 'tcp', 17: 'udp' }

/** undefined: no IPv4 packet, or one whose lengths contradict each other. */
export function decode<From extends string>(bytes: Uint8Array, from: From): Packet<From> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 20 || view.getUint8(0) >> 4 !== 4) return undefined
  const headerLength = (view.getUint8(0) & 0xf) * 4
  const length = view.getUint16(2)
  if (headerLength < 20 || length < headerLength || length > bytes.length) return undefined
  const number = view.getUint8(9)
  const offset = (view.getUint16(6) & 0x1fff) * 8
  const more = (view.getUint16(6) & 0x2000) !== 0
  const common = {
    from,
    protocol: PROTOCOLS[number] ?? number,
    source: addressAt(bytes, 12),
    destination: addressAt(bytes, 16),
    ttl: view.getUint8(8),
    ...(offset > 0 || more ? { fragment: { offset, more } } : {}),
    payloadLength: length - headerLength,
    bytes,
  }
  if (offset > 0) return common
  return { ...common, ...transport(common.protocol, new DataView(bytes.buffer, bytes.byteOffset + headerLength, length - headerLength)) }
}

export const addressAt = (bytes: Uint8Array, at: number): string => bytes.subarray(at, at + 4).join('.')
export const addressBytes = (address: string): Uint8Array => Uint8Array.from(address.split('.'), Number)

function transport(protocol: Packet['protocol'], view: DataView): Omit<Partial<Packet>, 'from'> {
  const ports = () => ({ sourcePort: view.getUint16(0), destinationPort: view.getUint16(2) })
  if (protocol === 'udp' && view.byteLength >= 8) return { ...ports(), payloadLength: view.byteLength - 8 }
  if (protocol === 'icmp' && view.byteLength >= 8)
    return { icmp: { type: view.getUint8(0), code: view.getUint8(1) }, payloadLength: view.byteLength - 8 }
  if (protocol === 'igmp') return { igmp: groupChanges(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) }
  if (protocol !== 'tcp' || view.byteLength < 20) return {}
  const headerLength = (view.getUint8(12) >> 4) * 4
  if (headerLength < 20 || headerLength > view.byteLength) return {}
  const bits = view.getUint8(13)
  const flags = FLAGS.filter((_, at) => (bits & (1 << at)) !== 0)
  const windowScale = flags.includes('SYN') ? scaleIn(view, headerLength) : undefined
  return {
    ...ports(),
    tcp: {
      flags,
      sequence: view.getUint32(4),
      acknowledgment: view.getUint32(8),
      window: view.getUint16(14),
      ...(windowScale === undefined ? {} : { windowScale }),
      ...(flags.includes('URG') ? { urgentPointer: view.getUint16(18) } : {}),
    },
    payloadLength: view.byteLength - headerLength,
  }
}

/** The kinds of options that are looked at. RFC 9293, 3.1; RFC 7323, 2.2 */
const [END_OF_OPTIONS, NO_OPERATION, WINDOW_SCALE] = [0, 1, 3]

function scaleIn(view: DataView, headerLength: number): number | undefined {
  for (let at = 20; at + 1 < headerLength; ) {
    const kind = view.getUint8(at)
    if (kind === END_OF_OPTIONS) return undefined
    if (kind === WINDOW_SCALE && at + 2 < headerLength) return view.getUint8(at + 2)
    at += kind === NO_OPERATION ? 1 : Math.max(view.getUint8(at + 1), 2)
  }
  return undefined
}

/** What the transport carries. */
export const payloadOf = ({ bytes, payloadLength }: Pick<Packet, 'bytes' | 'payloadLength'>): Uint8Array =>
  bytes.subarray(bytes.length - payloadLength)

/** `SYN ACK seq 1 ack 2`, `udp 512 bytes`, `igmp join 239.1.1.1`. */
export function describePacket({ protocol, tcp, icmp, igmp, payloadLength, fragment }: Packet<string>): string {
  const bytes = payloadLength > 0 ? ` ${payloadLength} bytes` : ''
  const part = fragment === undefined ? '' : ` fragment at ${fragment.offset}`
  if (tcp !== undefined) return `${tcp.flags.join(' ') || 'no flags'}${bytes}`
  if (icmp !== undefined) return `icmp type ${icmp.type} code ${icmp.code}`
  if (igmp !== undefined) return `igmp ${igmp.map(({ change, group }) => `${change} ${group}`).join(', ') || 'query'}`
  return `${protocol}${bytes}${part}`
}

/** Which packets are meant: those to which all that is said applies. It is data, so that the gate can say it in nftables. */
export interface PacketFilter<From extends string = Side> {
  /** The side that sent it. */
  readonly from?: From
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
  /** All of them are set. */
  readonly flags?: readonly Flag[]
  /** None of them is set. */
  readonly notFlags?: readonly Flag[]
  readonly destinationPort?: number
  /** Whether it carries bytes of the user. */
  readonly payload?: boolean
}

export const matches = <From extends string>(
  packet: Packet<From>,
  { from, protocol, flags, notFlags, destinationPort, payload }: PacketFilter<From>,
): boolean =>
  (from === undefined || packet.from === from) &&
  (protocol === undefined || packet.protocol === protocol) &&
  (flags === undefined || flags.every((flag) => packet.tcp?.flags.includes(flag))) &&
  (notFlags === undefined || (packet.tcp !== undefined && !notFlags.some((flag) => packet.tcp?.flags.includes(flag)))) &&
  (destinationPort === undefined || packet.destinationPort === destinationPort) &&
  (payload === undefined || packet.payloadLength > 0 === payload)
