/** What two hosts say to each other above TCP, decoded from the packets on the wire and written into the trace. */
import type { Packet, Side } from './packet.js'
import type { Recorder } from './recorder.js'
import { TcpStream } from './tcp-stream.js'
import type { TracedMessage } from './trace.js'

/** Makes what decodes one direction of a connection: that of who opened it, or the other. */
export type DecoderOf = (opener: boolean) => Decoder

/** Decodes one direction of a connection: answers what begins in these bytes, which follow those it saw before. */
export type Decoder = (bytes: Uint8Array) => readonly TracedMessage[]

/** A message, when and by whom it was sent. */
export interface Said extends TracedMessage {
  readonly t: number
  readonly side: Side
}

export class Conversation {
  readonly #directions = new Map<string, { readonly stream: TcpStream; readonly decode: Decoder }>()
  readonly #decoderOf: DecoderOf
  readonly #recorder: Recorder
  readonly #said: Said[] = []

  constructor(decoderOf: DecoderOf, recorder: Recorder) {
    this.#decoderOf = decoderOf
    this.#recorder = recorder
  }

  /** All that was said until now, in the order in which it came onto the wire. */
  get said(): readonly Said[] {
    return this.#said
  }

  hear(packet: Packet): void {
    if (packet.tcp === undefined) return
    const { stream, decode } = this.#direction(packet)
    for (const bytes of stream.take(packet))
      for (const message of decode(bytes)) {
        this.#said.push({ t: this.#recorder.now(), side: packet.from, ...message })
        this.#recorder.write({ side: packet.from, message })
      }
  }

  /** A connection that uses the ports of another anew begins anew. */
  #direction({ from, sourcePort, destinationPort, tcp }: Packet): { readonly stream: TcpStream; readonly decode: Decoder } {
    const key = `${from} ${sourcePort} ${destinationPort}`
    const known = tcp?.flags.includes('SYN') ? undefined : this.#directions.get(key)
    if (known !== undefined) return known
    const made = { stream: new TcpStream(), decode: this.#decoderOf(tcp?.flags.includes('ACK') !== true) }
    this.#directions.set(key, made)
    return made
  }
}
