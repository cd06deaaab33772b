/** Writes down what happens in a story, while it happens. */
import { release } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { describeFrame, type Frame } from './ethernet.js'
import { describePacket, type Packet, type TcpHeader } from './packet.js'
import { type Fate, TRACE_VERSION, type Trace, type TracedPacket, type TraceEvent } from './trace.js'

const LOOK_MS = 2
const PATIENCE_MS = 10_000

export class Recorder {
  readonly #events: TraceEvent[] = []
  readonly #began = performance.now()
  readonly #firstSequence = new Map<string, number>()
  readonly #windowScale = new Map<string, number>()
  #packets = 0
  /** Called with each event as it is written. A packet that came out later is written again. */
  onEvent: ((event: TraceEvent) => void) | undefined
  /** What a packet says to those who sent it; undefined: what its headers say is enough. */
  dissector: ((packet: Packet<string>) => string | undefined) | undefined

  /** What happened so far. */
  get events(): readonly TraceEvent[] {
    return this.#events
  }

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
        traced = { ...traced, fate, ...(fate === 'held' ? { kept: true } : {}) }
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

  /** Settles with what `see` finds in what happened so far. @throws Error after `patienceMs` */
  async until<T>(what: string, see: (events: readonly TraceEvent[]) => T | undefined, patienceMs = PATIENCE_MS): Promise<T> {
    const end = performance.now() + patienceMs
    for (;;) {
      const seen = see(this.#events)
      if (seen !== undefined) return seen
      if (performance.now() > end) throw new Error(`${what} was not seen`)
      await pause(LOOK_MS)
    }
  }

  trace(story: string, title: string, backend: string): Trace {
    return { version: TRACE_VERSION, story, title, backend, kernel: release(), events: [...this.#events] }
  }

  #describe(packet: Packet<string>): Omit<TracedPacket, 'fate'> {
    return { number: ++this.#packets, text: this.dissector?.(packet) ?? describePacket(packet), ...this.#headers(packet) }
  }

  #headers(packet: Packet<string>): Omit<TracedPacket, 'number' | 'text' | 'fate'> {
    const { tcp, protocol, payloadLength, sourcePort, destinationPort } = packet
    return {
      protocol: String(protocol),
      ...(sourcePort === undefined || destinationPort === undefined ? {} : { ports: [sourcePort, destinationPort] }),
      length: payloadLength,
      ...(tcp === undefined ? {} : this.#describeTcp(packet, tcp)),
    }
  }

  #describeTcp(packet: Packet<string>, tcp: TcpHeader): Pick<TracedPacket, 'flags' | 'sequence' | 'acknowledgment' | 'window' | 'urgent'> {
    const sequence = this.#relative(packet, tcp.sequence)
    return {
      flags: tcp.flags,
      sequence,
      ...(tcp.flags.includes('ACK') ? { acknowledgment: this.#relative(reversed(packet), tcp.acknowledgment) } : {}),
      window: this.#scaled(packet, tcp),
      ...(tcp.urgentPointer === undefined ? {} : { urgent: sequence + tcp.urgentPointer }),
    }
  }

  /** Sequence numbers as distances from the first that this direction of the connection was seen to use. */
  #relative(ends: Ends, sequence: number): number {
    const key = directionOf(ends)
    const first = this.#firstSequence.get(key) ?? sequence
    this.#firstSequence.set(key, first)
    return (sequence - first) >>> 0
  }

  /** A SYN's own window never is; the others' are where both ends offered it. RFC 7323, 2.2 */
  #scaled(packet: Packet<string>, { flags, window, windowScale }: TcpHeader): number {
    const [own, other] = [directionOf(packet), directionOf(reversed(packet))]
    if (flags.includes('SYN')) {
      if (windowScale === undefined) this.#windowScale.delete(own)
      else this.#windowScale.set(own, windowScale)
      return window
    }
    return window * 2 ** (this.#windowScale.has(other) ? (this.#windowScale.get(own) ?? 0) : 0)
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

const directionOf = ({ source, sourcePort, destination, destinationPort }: Ends): string =>
  `${source} ${sourcePort} ${destination} ${destinationPort}`
