/**
 * What `requester` and `respond` say to each other, a message each; docs/wire.md has it for peers in other languages.
 *
 *     0  kind (1 byte): 1 request, 2 answer, 3 failure, 4 cancel
 *     1  three bytes of 0
 *     4  id: the request's number, of its requester's choice
 *     8  request: the longest answer that the requester takes; failure: why (0 the handler threw, 1 nobody responds,
 *        2 the answer is too long)
 *
 * Words have 32 bits, little-endian. A request's bytes follow at 12, an answer's at 8; in a failure there follows
 * UTF-8: the error's code (or nothing), a line feed, its message.
 */
import type { Bytes } from '../../core/channel.js'

const Kind = { REQUEST: 1, ANSWER: 2, FAILURE: 3, CANCEL: 4 } as const
const HEADER_BYTES = 8
export const REQUEST_BYTES = 12
export const ANSWER_BYTES = HEADER_BYTES
const FAILURE_BYTES = 12

export const Why = { THREW: 0, NOBODY: 1, TOO_LONG: 2 } as const
export type Why = (typeof Why)[keyof typeof Why]

export type Frame =
  | { readonly kind: 'request'; readonly id: number; readonly longestAnswer: number; readonly body: Bytes }
  | { readonly kind: 'answer'; readonly id: number; readonly body: Bytes }
  | { readonly kind: 'failure'; readonly id: number; readonly why: Why; readonly code: string; readonly message: string }
  | { readonly kind: 'cancel'; readonly id: number }

export function encodeRequest(id: number, longestAnswer: number, body: Uint8Array): Bytes {
  const frame = begin(Kind.REQUEST, id, REQUEST_BYTES + body.length)
  new DataView(frame.buffer).setUint32(8, longestAnswer, true)
  frame.set(body, REQUEST_BYTES)
  return frame
}

export function encodeAnswer(id: number, body: Uint8Array): Bytes {
  const frame = begin(Kind.ANSWER, id, ANSWER_BYTES + body.length)
  frame.set(body, ANSWER_BYTES)
  return frame
}

/** Of at most `longest` bytes: a message that is too long is cut. */
export function encodeFailure(id: number, why: Why, code: string, message: string, longest: number): Bytes {
  const text = new TextEncoder().encode(`${code}\n${message}`).subarray(0, Math.max(0, longest - FAILURE_BYTES))
  const frame = begin(Kind.FAILURE, id, FAILURE_BYTES + text.length)
  new DataView(frame.buffer).setUint32(8, why, true)
  frame.set(text, FAILURE_BYTES)
  return frame
}

export const encodeCancel = (id: number): Bytes => begin(Kind.CANCEL, id, HEADER_BYTES)

function begin(kind: number, id: number, length: number): Bytes {
  const frame = new Uint8Array(length)
  frame[0] = kind
  new DataView(frame.buffer).setUint32(4, id, true)
  return frame
}

/** The frame, its body in memory of its own; what is wrong with it, where it is none. */
export function decodeFrame(bytes: Bytes): Frame | string {
  const { length } = bytes
  if (length < HEADER_BYTES) return `${length} bytes are too few for a frame`
  const words = new DataView(bytes.buffer, bytes.byteOffset, length)
  const kind = words.getUint32(0, true) // with the three zeros
  const id = words.getUint32(4, true)
  switch (kind) {
    case Kind.REQUEST:
      if (length < REQUEST_BYTES) return `${length} bytes are too few for a request`
      return { kind: 'request', id, longestAnswer: words.getUint32(8, true), body: bytes.slice(REQUEST_BYTES) }
    case Kind.ANSWER:
      return { kind: 'answer', id, body: bytes.slice(ANSWER_BYTES) }
    case Kind.FAILURE: {
      if (length < FAILURE_BYTES) return `${length} bytes are too few for a failure`
      const why = words.getUint32(8, true)
      if (why > Why.TOO_LONG) return `a failure has no reason ${why}`
      const text = new TextDecoder().decode(bytes.subarray(FAILURE_BYTES))
      const end = text.indexOf('\n')
      return { kind: 'failure', id, why: why as Why, code: text.slice(0, Math.max(0, end)), message: text.slice(end + 1) }
    }
    case Kind.CANCEL:
      return length === HEADER_BYTES ? { kind: 'cancel', id } : `a cancel has ${HEADER_BYTES} bytes, not ${length}`
    default:
      return `a frame has no kind ${kind}`
  }
}
