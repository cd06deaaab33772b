/** Writes down what happens in a story, while it happens. */
import { release } from 'node:os'
import { describeFrame, type Frame } from './ethernet.js'
import { describePacket, type Packet } from './packet.js'
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
  packet(packet: Packet<string>): { fate(fate: Fate): void; arrived(): void } {
    const at = this.#events.length
    let traced: TracedPacket = { ...this.#describe(packet), fate: 'lost' }
    const t = this.now()
    const put = () => {
      const event: TraceEvent = { t, side: packet.from, packet: traced }
      this.#events[at] = event
      return event
    }
    const event = put()
    this.onEvent?.(event)
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

  /** A frame of an Ethernet of several hosts, and at which of them it came out. */
  frame(frame: Frame, to: readonly string[]): void {
    const { from, link, source, destination, packet } = frame
    const described = packet === undefined ? { protocol: 'arp', length: 0 } : this.#headers(packet)
    const traced: TracedPacket = {
      number: ++this.#packets,
      ...described,
      text: describeFrame(frame),
      fate: to.length === 0 ? 'lost' : 'delivered',
      ...(to.length === 0 ? {} : { arrived: this.now() }),
      frame: { link, to, source, destination, ...(packet === undefined ? {} : { ttl: packet.ttl }) },
    }
    this.write({ side: from, packet: traced })
  }

  trace(story: string, title: string, backend: string): Trace {
    return { version: TRACE_VERSION, story, title, backend, kernel: release(), events: [...this.#events] }
  }

  #describe(packet: Packet<string>): Omit<TracedPacket, 'fate'> {
    return { number: ++this.#packets, text: describePacket(packet), ...this.#headers(packet) }
  }

  #headers(packet: Packet<string>): Pick<TracedPacket, 'protocol' | 'length' | 'flags' | 'sequence' | 'acknowledgment'> {
    const { tcp, protocol, payloadLength } = packet
    return {
      protocol: String(protocol),
      length: payloadLength,
      ...(tcp === undefined
        ? {}
        : {
            flags: tcp.flags,
            sequence: this.#relative(packet, tcp.sequence),
            ...(tcp.flags.includes('ACK') ? { acknowledgment: this.#relative(reversed(packet), tcp.acknowledgment) } : {}),
          }),
    }
  }

  /** Sequence numbers as distances from the first that this direction of the connection was seen to use. */
  #relative({ source, sourcePort, destination, destinationPort }: Ends, sequence: number): number {
    const key = `${source} ${sourcePort} ${destination} ${destinationPort}`
    const first = this.#firstSequence.get(key) ?? sequence
    this.#firstSequence.set(key, first)
    return (sequence - first) >>> 0
  }

  #push(event: TraceEvent): void {
    this.#events.push(event)
    this.onEvent?.(event)
  }
}

type Ends = Pick<Packet<string>, 'source' | 'sourcePort' | 'destination' | 'destinationPort'>

const reversed = ({ source, sourcePort, destination, destinationPort }: Ends): Ends => ({
  source: destination,
  destination: source,
  ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
  ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
})
