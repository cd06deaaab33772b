/** Writes down what happens in a story, while it happens. */
import { release } from 'node:os'
import { describePacket, type Packet, type Side } from './packet.js'
import { type Fate, TRACE_VERSION, type Trace, type TracedPacket, type TraceEvent } from './trace.js'

export class Recorder {
  readonly #events: TraceEvent[] = []
  readonly #began = performance.now()
  readonly #firstSequence = new Map<string, number>()
  #packets = 0
  /** Called with each event as it is written. A packet that came out later is written again. */
  onEvent: ((event: TraceEvent) => void) | undefined

  /** ms since the story began. */
  now(): number {
    return Math.round((performance.now() - this.#began) * 100) / 100
  }

  write(event: Omit<TraceEvent, 't'>): void {
    this.#push({ t: this.now(), ...event })
  }

  /** A packet that comes onto the link; the answer is told what becomes of it. */
  packet(packet: Packet): { fate(fate: Fate): void; arrived(): void } {
    const at = this.#events.length
    let traced: TracedPacket = { ...this.#describe(packet), fate: 'lost' }
    const t = this.now()
    const put = () => {
      const event: TraceEvent = { t, side: packet.from, packet: traced }
      this.#events[at] = event
      return event
    }
    this.onEvent?.(put())
    return {
      fate: (fate) => {
        traced = { ...traced, fate }
        put()
      },
      arrived: () => {
        if (traced.arrived !== undefined) return
        traced = { ...traced, fate: traced.fate === 'held' || traced.fate === 'lost' ? 'delivered' : traced.fate, arrived: this.now() }
        put()
      },
    }
  }

  trace(story: string, title: string, backend: string): Trace {
    return { version: TRACE_VERSION, story, title, backend, kernel: release(), events: [...this.#events] }
  }

  #describe(packet: Packet): Omit<TracedPacket, 'fate'> {
    const { tcp, protocol, payloadLength } = packet
    return {
      number: ++this.#packets,
      text: describePacket(packet),
      protocol: String(protocol),
      length: payloadLength,
      ...(tcp === undefined
        ? {}
        : {
            flags: tcp.flags,
            sequence: this.#relative(packet, packet.from, tcp.sequence),
            ...(tcp.flags.includes('ACK')
              ? { acknowledgment: this.#relative(packet, packet.from === 'A' ? 'B' : 'A', tcp.acknowledgment) }
              : {}),
          }),
    }
  }

  /** Sequence numbers as distances from the first that this direction of the connection was seen to use. */
  #relative({ from, sourcePort, destinationPort }: Packet, side: Side, sequence: number): number {
    const ports = from === 'A' ? `${sourcePort} ${destinationPort}` : `${destinationPort} ${sourcePort}`
    const key = `${side} ${ports}`
    const first = this.#firstSequence.get(key) ?? sequence
    this.#firstSequence.set(key, first)
    return (sequence - first) >>> 0
  }

  #push(event: TraceEvent): void {
    this.#events.push(event)
    this.onEvent?.(event)
  }
}
