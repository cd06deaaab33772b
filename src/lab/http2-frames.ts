/** The frames of HTTP/2, by their headers: what is in them stays packed. RFC 9113, 3.4 and 4.1 */
import { Chunks } from './chunks.js'
import type { Decoder } from './conversation.js'
import type { TracedMessage } from './trace.js'

/** What a client sends before its first frame. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

const HEADER_BYTES = 9

const TYPES = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY', 'WINDOW_UPDATE', 'CONTINUATION']

export interface FrameHeader {
  readonly type: string
  readonly length: number
  readonly stream: number
  /** What follows on this stream comes from the other side alone. Of DATA and HEADERS. */
  readonly ends: boolean
  /** Confirms the other side's. Of SETTINGS and PING. */
  readonly acknowledges: boolean
}

export function frameHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const type = TYPES[view.getUint8(3)] ?? `type ${view.getUint8(3)}`
  const lowest = (view.getUint8(4) & 1) !== 0
  return {
    type,
    length: view.getUint32(0) >>> 8,
    stream: view.getUint32(5) & 0x7fff_ffff,
    ends: lowest && (type === 'DATA' || type === 'HEADERS'),
    acknowledges: lowest && (type === 'SETTINGS' || type === 'PING'),
  }
}

const words = ({ type, length, ends, acknowledges }: FrameHeader): string =>
  [type, ...(acknowledges ? ['ACK'] : []), ...(type === 'DATA' ? [`${length} bytes`] : []), ...(ends ? ['END_STREAM'] : [])].join(' ')

/** A frame is told when its header has come. */
export function http2Decoder(opener: boolean): Decoder {
  const chunks = new Chunks()
  let inFrame = 0
  let preface = opener
  return (bytes) => {
    const found: TracedMessage[] = []
    chunks.push(bytes)
    if (preface) {
      if (chunks.take(PREFACE.length) === undefined) return found
      preface = false
      found.push({ protocol: 'http/2', text: 'PRI * HTTP/2.0', stream: 0 })
    }
    for (;;) {
      if (chunks.take(inFrame) === undefined) return found
      inFrame = 0
      const taken = chunks.take(HEADER_BYTES)
      if (taken === undefined) return found
      const header = frameHeader(taken)
      inFrame = header.length
      found.push({ protocol: 'http/2', text: words(header), stream: header.stream })
    }
  }
}
