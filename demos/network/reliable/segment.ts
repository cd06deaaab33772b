/** What the protocols send each other: two bytes each of kind, number and checksum, then data. RFC 1071 */

const KINDS = ['data', 'ACK', 'NAK'] as const

export interface Segment {
  readonly kind: (typeof KINDS)[number]
  /** Of the data, or of what is acknowledged; rdt 2.0 has none. */
  readonly sequence?: number
  readonly data?: string
}

const HEADER_BYTES = 6
const CHECKSUM_AT = 4
const NO_SEQUENCE = 0xffff

export function encode({ kind, sequence = NO_SEQUENCE, data = '' }: Segment): Uint8Array {
  const text = new TextEncoder().encode(data)
  const bytes = new Uint8Array(HEADER_BYTES + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, KINDS.indexOf(kind))
  view.setUint16(2, sequence)
  bytes.set(text, HEADER_BYTES)
  view.setUint16(CHECKSUM_AT, checksum(bytes))
  return bytes
}

/** undefined: its checksum says that it is corrupt. */
export function decode(bytes: Uint8Array): Segment | undefined {
  if (bytes.length < HEADER_BYTES || checksum(bytes) !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kind = KINDS[view.getUint16(0)]
  if (kind === undefined) return undefined
  const sequence = view.getUint16(2)
  const data = new TextDecoder().decode(bytes.subarray(HEADER_BYTES))
  return { kind, ...(sequence === NO_SEQUENCE ? {} : { sequence }), ...(data === '' ? {} : { data }) }
}

/** `data 3 "d"`, `ACK 3`, `NAK` */
export const describeSegment = ({ kind, sequence, data }: Segment): string =>
  [kind, sequence, data === undefined ? undefined : JSON.stringify(data)].filter((word) => word !== undefined).join(' ')

/** The Internet checksum; of bytes that carry theirs, 0. */
function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (const [at, byte] of bytes.entries()) sum += at % 2 === 0 ? byte << 8 : byte
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
