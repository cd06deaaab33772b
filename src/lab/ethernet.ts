/** Ethernet frames as a link sees them, and the ARP in them. IEEE 802.3, RFC 826 */
import { addressAt, decode, describePacket, type Packet } from './packet.js'

/** The header in front of every packet: who is meant, who sends, and what follows. */
export const ETHERNET_HEADER_BYTES = 14
export const [TYPE_IPV4, TYPE_ARP] = [0x0800, 0x0806]
export const EVERYBODY = 'ff:ff:ff:ff:ff:ff'

export interface Arp {
  readonly operation: 'request' | 'reply'
  /** Who speaks, by both its addresses. */
  readonly senderHardware: string
  readonly sender: string
  /** Whose hardware address is asked for, or who is answered. */
  readonly target: string
}

/** One frame, decoded. */
export interface Frame {
  /** The host that sent it, and the link that it was sent on. */
  readonly from: string
  readonly link: string
  /** Hardware addresses. */
  readonly source: string
  readonly destination: string
  readonly arp?: Arp
  readonly packet?: Packet<string>
  /** The whole of it. Owned by whoever was handed the frame. */
  readonly bytes: Uint8Array
}

/** undefined: neither ARP nor IPv4, or one that is cut. */
export function decodeFrame(bytes: Uint8Array, from: string, link: string): Frame | undefined {
  if (bytes.length < ETHERNET_HEADER_BYTES) return undefined
  const body = bytes.subarray(ETHERNET_HEADER_BYTES)
  const type = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0)
  const frame = { from, link, destination: hardwareAt(bytes, 0), source: hardwareAt(bytes, 6), bytes }
  const arp = type === TYPE_ARP ? arpOf(body) : undefined
  if (arp !== undefined) return { ...frame, arp }
  const packet = type === TYPE_IPV4 ? decode(body, from) : undefined
  return packet === undefined ? undefined : { ...frame, packet }
}

function arpOf(body: Uint8Array): Arp | undefined {
  const operation = [undefined, 'request', 'reply'] as const
  const named = operation[((body[6] ?? 0) << 8) | (body[7] ?? 0)]
  if (body.length < 28 || named === undefined) return undefined
  return { operation: named, senderHardware: hardwareAt(body, 8), sender: addressAt(body, 14), target: addressAt(body, 24) }
}

const hardwareAt = (bytes: Uint8Array, at: number): string => hardwareName(bytes.subarray(at, at + 6))

/** `02:00:00:00:00:0a` */
export const hardwareName = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')

export const hardwareBytes = (address: string): Uint8Array => Uint8Array.from(address.split(':'), (byte) => Number.parseInt(byte, 16))

/** The bit that says that several are meant. */
export const isForMany = (hardware: string): boolean => (Number.parseInt(hardware.slice(0, 2), 16) & 1) === 1

/** What it says: `who has 192.0.2.2? tell 192.0.2.1`, `192.0.2.1 → 192.0.2.2 udp 5 bytes`. */
export function describeFrame({ arp, packet }: Frame): string {
  if (arp !== undefined)
    return arp.operation === 'request' ? `who has ${arp.target}? tell ${arp.sender}` : `${arp.sender} is at ${arp.senderHardware}`
  if (packet === undefined) return ''
  const port = (number: number | undefined) => (number === undefined ? '' : `:${number}`)
  const ends = `${packet.source}${port(packet.sourcePort)} → ${packet.destination}${port(packet.destinationPort)}`
  return `${ends} ${describePacket(packet)}`
}
