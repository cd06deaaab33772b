/** What is wrapped in what, in one captured frame. RFC 1122, 1.1.3 */
import { describeFrame, ETHERNET_HEADER_BYTES, type Frame, TYPE_ARP, TYPE_IPV4 } from './ethernet.js'
import type { Packet } from './packet.js'

export interface Layer {
  readonly name: 'Ethernet' | 'ARP' | 'IPv4' | 'TCP' | 'UDP' | 'other' | 'application'
  /** Where it begins in the frame, and how many bytes are its own: a header, but for the last. */
  readonly offset: number
  readonly length: number
  /** What it says. */
  readonly text: string
}

/** From the outside in. Padding behind the packet belongs to none. */
export function layersOf(frame: Frame): readonly Layer[] {
  const { packet, bytes, source, destination } = frame
  const type = packet === undefined ? TYPE_ARP : TYPE_IPV4
  const ethernet: Layer = {
    name: 'Ethernet',
    offset: 0,
    length: ETHERNET_HEADER_BYTES,
    text: `${source} → ${destination}, type 0x${type.toString(16).padStart(4, '0')}`,
  }
  if (packet !== undefined) return [ethernet, ...layersOfPacket(packet)]
  return [
    ethernet,
    { name: 'ARP', offset: ETHERNET_HEADER_BYTES, length: bytes.length - ETHERNET_HEADER_BYTES, text: describeFrame(frame) },
  ]
}

function layersOfPacket(packet: Packet<string>): readonly Layer[] {
  const { bytes, source, destination, ttl, payloadLength } = packet
  const length = ((bytes[0] ?? 0) & 0xf) * 4
  const whole = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)
  const payloadAt = whole - payloadLength
  const payload = Buffer.from(bytes.subarray(payloadAt, whole)).toString('latin1')
  const layers: readonly Layer[] = [
    {
      name: 'IPv4',
      offset: ETHERNET_HEADER_BYTES,
      length,
      text: `${source} → ${destination}, TTL ${ttl}, protocol ${bytes[9] ?? 0}, ${whole} bytes in all`,
    },
    { ...transportOf(packet), offset: ETHERNET_HEADER_BYTES + length, length: payloadAt - length },
    { name: 'application', offset: ETHERNET_HEADER_BYTES + payloadAt, length: payloadLength, text: JSON.stringify(payload) },
  ]
  return layers.filter((layer) => layer.length > 0)
}

function transportOf({ tcp, protocol, sourcePort, destinationPort }: Packet<string>): Pick<Layer, 'name' | 'text'> {
  const ports = `port ${sourcePort} → ${destinationPort}`
  if (tcp !== undefined)
    return { name: 'TCP', text: `${ports}, ${tcp.flags.join(' ')}, sequence number ${tcp.sequence}, window ${tcp.window}` }
  return protocol === 'udp' ? { name: 'UDP', text: ports } : { name: 'other', text: String(protocol) }
}
