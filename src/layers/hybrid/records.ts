/**
 * What two sides of a hybrid say on their control channel, a message each; docs/wire.md has it for peers in other
 * languages.
 *
 *     0  kind (1 byte), then three bytes of 0
 *     4  argument
 *
 *     kind       argument                      from 8 on
 *     0 hello    version, 1                    16 random bytes
 *     1 offer    0                             the name of the ring, UTF-8
 *     2 message  0                             its bytes
 *     3 urgent   0                             its bytes
 *     4 body     bytes of the next body
 *     5 credit   given back to ordinary        given back to urgent (4 bytes)
 *     6 end      0
 *
 * Words have 32 bits, little-endian.
 */
import type { Bytes } from '../../core/channel.js'

export const HEADER_BYTES = 8
export const VERSION = 1
const NONCE_BYTES = 16
const Kind = { HELLO: 0, OFFER: 1, MESSAGE: 2, URGENT: 3, BODY: 4, CREDIT: 5, END: 6 } as const

export type Content =
  | { readonly kind: 'message' | 'urgent'; readonly data: Bytes }
  | { readonly kind: 'body'; readonly length: number }
  | { readonly kind: 'credit'; readonly ordinary: number; readonly urgent: number }
  | { readonly kind: 'end' }
export type Greeting =
  | { readonly kind: 'hello'; readonly version: number; readonly nonce: Bytes }
  | { readonly kind: 'offer'; readonly name: string }
export type HybridRecord = Content | Greeting

export const encodeHello = (nonce: Uint8Array): Bytes => record(Kind.HELLO, VERSION, nonce)
export const encodeOffer = (name: string): Bytes => record(Kind.OFFER, 0, new TextEncoder().encode(name))
export const encodeMessage = (data: Uint8Array, urgent: boolean): Bytes => record(urgent ? Kind.URGENT : Kind.MESSAGE, 0, data)
export const encodeBody = (length: number): Bytes => record(Kind.BODY, length)
export const encodeEnd = (): Bytes => record(Kind.END, 0)

export function encodeCredit(ordinary: number, urgent: number): Bytes {
  const bytes = record(Kind.CREDIT, ordinary, new Uint8Array(4))
  new DataView(bytes.buffer).setUint32(HEADER_BYTES, urgent, true)
  return bytes
}

function record(kind: number, argument: number, rest: Uint8Array = new Uint8Array()): Bytes {
  const bytes = new Uint8Array(HEADER_BYTES + rest.length)
  bytes[0] = kind
  new DataView(bytes.buffer).setUint32(4, argument, true)
  bytes.set(rest, HEADER_BYTES)
  return bytes
}

/** The record, its bytes in memory of their own; what is wrong with it, where it is none. */
export function decodeRecord(bytes: Bytes): HybridRecord | string {
  if (bytes.length < HEADER_BYTES) return `${bytes.length} bytes are too few for a record`
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const kind = words.getUint32(0, true) // with the three zeros
  const argument = words.getUint32(4, true)
  const rest = bytes.length - HEADER_BYTES
  switch (kind) {
    case Kind.HELLO:
      if (rest !== NONCE_BYTES) return `a hello has ${NONCE_BYTES} random bytes, not ${rest}`
      return { kind: 'hello', version: argument, nonce: bytes.slice(HEADER_BYTES) }
    case Kind.OFFER:
      return { kind: 'offer', name: new TextDecoder().decode(bytes.subarray(HEADER_BYTES)) }
    case Kind.MESSAGE:
    case Kind.URGENT:
      return { kind: kind === Kind.URGENT ? 'urgent' : 'message', data: bytes.slice(HEADER_BYTES) }
    case Kind.BODY:
      return rest === 0 ? { kind: 'body', length: argument } : `a body's header has ${rest} bytes too many`
    case Kind.CREDIT:
      return rest === 4
        ? { kind: 'credit', ordinary: argument, urgent: words.getUint32(8, true) }
        : `a credit has 4 bytes more, not ${rest}`
    case Kind.END:
      return rest === 0 ? { kind: 'end' } : `an end has ${rest} bytes too many`
    default:
      return `a record has no kind ${kind}`
  }
}
