/** The records of TLS as anybody on the way sees them. RFC 8446, 5.1 and 4; RFC 5246, 7.4 */
import { Chunks } from './chunks.js'
import type { Decoder } from './conversation.js'
import type { TracedMessage } from './trace.js'

const HEADER_BYTES = 5
const [CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA] = [20, 21, 22, 23]

const HANDSHAKES: Readonly<Record<number, string>> = {
  1: 'ClientHello',
  2: 'ServerHello',
  4: 'NewSessionTicket',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  14: 'ServerHelloDone',
  16: 'ClientKeyExchange',
}

/** A record is told when all of it has come. What a direction says behind its ChangeCipherSpec is encrypted. */
export function tlsDecoder(): Decoder {
  const [records, handshakes] = [new Chunks(), new Chunks()]
  let encrypted = false
  const describe = (type: number, body: Uint8Array): readonly string[] => {
    if (type === APPLICATION_DATA) return [`ApplicationData ${body.length} bytes`]
    if (type === ALERT) return ['Alert']
    if (type === CHANGE_CIPHER_SPEC) {
      encrypted = true
      return ['ChangeCipherSpec']
    }
    if (type !== HANDSHAKE) return [`record of type ${type}`]
    if (encrypted) return ['Finished, encrypted']
    handshakes.push(body)
    return [...handshakesIn(handshakes)]
  }
  return (bytes) => {
    const found: TracedMessage[] = []
    records.push(bytes)
    for (;;) {
      const length = lengthAt(records.peek(HEADER_BYTES), 3, 2)
      const record = length === undefined ? undefined : records.take(HEADER_BYTES + length)
      if (record === undefined) return found
      const [type = 0] = record
      for (const text of describe(type, record.subarray(HEADER_BYTES))) found.push({ protocol: 'tls', text })
    }
  }
}

/** The messages that are whole; one may lie in several records, and several in one. */
function* handshakesIn(chunks: Chunks): Iterable<string> {
  for (;;) {
    const length = lengthAt(chunks.peek(4), 1, 3)
    const message = length === undefined ? undefined : chunks.take(4 + length)
    if (message === undefined) return
    const [type = 0] = message
    yield HANDSHAKES[type] ?? `handshake ${type}`
  }
}

/** A number of `width` bytes, the highest first. */
const lengthAt = (bytes: Uint8Array | undefined, at: number, width: number): number | undefined =>
  bytes?.subarray(at, at + width).reduce((value, byte) => value * 256 + byte, 0)
