/** Messages of netlink as bytes, in the order of this machine, which is little-endian. netlink(7) */

/** A value, or attributes within an attribute. */
export interface Attribute {
  readonly type: number
  readonly value: Uint8Array | readonly Attribute[]
}

export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly payload: Uint8Array
}

/** All of a message ends at a multiple of it. */
const ALIGNMENT = 4
const HEADER_BYTES = 16
const ATTRIBUTE_HEADER_BYTES = 4
const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT

export function encodeMessage({ type, flags, payload }: NetlinkMessage, sequence: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  bytes.set(payload, HEADER_BYTES)
  return bytes
}

/** The messages that one datagram of the kernel carries. */
export function messagesOf(datagram: Uint8Array): readonly NetlinkMessage[] {
  const view = viewOf(datagram)
  const messages: NetlinkMessage[] = []
  for (let at = 0; at + HEADER_BYTES <= datagram.length; ) {
    const length = view.getUint32(at, true)
    const payload = datagram.subarray(at + HEADER_BYTES, at + length)
    messages.push({ type: view.getUint16(at + 4, true), flags: view.getUint16(at + 6, true), payload })
    at += aligned(length)
  }
  return messages
}

export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const parts = attributes.map(({ type, value }) => {
    const inner = value instanceof Uint8Array ? value : encodeAttributes(value)
    const bytes = new Uint8Array(aligned(ATTRIBUTE_HEADER_BYTES + inner.length))
    viewOf(bytes).setUint16(0, ATTRIBUTE_HEADER_BYTES + inner.length, true)
    viewOf(bytes).setUint16(2, type, true)
    bytes.set(inner, ATTRIBUTE_HEADER_BYTES)
    return bytes
  })
  return joined(...parts)
}

/** Each attribute's value by its type. */
export function attributesOf(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(bytes)
  const attributes = new Map<number, Uint8Array>()
  for (let at = 0; at + ATTRIBUTE_HEADER_BYTES <= bytes.length; ) {
    const length = Math.max(view.getUint16(at, true), ATTRIBUTE_HEADER_BYTES)
    attributes.set(view.getUint16(at + 2, true), bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length))
    at += aligned(length)
  }
  return attributes
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
export const zeroEnded = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
