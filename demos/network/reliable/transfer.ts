/** Data carried by a protocol between processes of two hosts, and what these sent each other as the wire saw it. */
import { fileURLToPath } from 'node:url'
import { entering, type Host } from '../../../src/lab/host.js'
import type { Lab, Network } from '../../../src/lab/lab.js'
import { type Packet, payloadOf, type Side } from '../../../src/lab/packet.js'
import type { TraceEvent } from '../../../src/lab/trace.js'
import type { Wire } from '../../../src/lab/wire.js'
import type { NodeProcess } from '../../../src/stage/node-process.js'
import type { ProtocolName } from './protocols.js'
import type { Request } from './request.js'
import { decode, describeSegment, type Segment } from './segment.js'

const program = fileURLToPath(new URL('./process.js', import.meta.url))
const FIRST_PORT = 7020

export interface Plan {
  readonly protocol: ProtocolName
  /** What it is called in the trace; the protocol's name, where that says enough. */
  readonly name?: string
  readonly timeoutMs: number
  /** From 1. */
  readonly attempt?: number
  /** The number of each data packet is a sample of the trace. */
  readonly followed?: true
}

/** A process at each end. */
type Ends = Readonly<Record<'sender' | 'receiver', NodeProcess>>

export class Transfers {
  readonly #lab: Lab
  readonly #link: Wire
  readonly #ends: Ends
  /** By their ports. */
  readonly #names = new Map<number, string>()

  private constructor(lab: Lab, link: Wire, ends: Ends) {
    this.#lab = lab
    this.#link = link
    this.#ends = ends
    lab.recorder.dissector = (packet) => this.#dissect(packet)
  }

  /** From A to B. */
  static async between(lab: Lab, { A, B, link }: Network<Wire>): Promise<Transfers> {
    const start = (role: string, own: Host, peer: Host) =>
      lab.stage.node(role, [program, role, own.address, peer.address], { through: entering(own.pid) })
    return new Transfers(lab, link, { sender: await start('sender', A, B), receiver: await start('receiver', B, A) })
  }

  /** Both ends are ready, and nothing was sent. */
  async open({ protocol, name: plain = protocol, attempt = 1, timeoutMs, followed }: Plan): Promise<Transfer> {
    const [name, port] = [nameOf(plain, attempt), FIRST_PORT + this.#names.size]
    this.#names.set(port, name)
    this.#link.onPacket = followed && ((packet) => this.#sample(packet, name))
    const { sender, receiver } = this.#ends
    await this.#answers([sender, receiver], { ask: 'open', protocol, port, timeoutMs })
    return {
      port,
      begin: (messages) => sender.ask({ ask: 'send', messages } satisfies Request),
      finish: async () => {
        await this.#lab.stage.story.hush(() => sender.told())
        const [delivered] = await this.#answers([receiver], { ask: 'delivered' })
        return delivered as readonly string[]
      },
      timeouts: async () => Number((await this.#answers([sender], { ask: 'timeouts' }))[0]),
      timers: async () => (await this.#answers([sender, receiver], { ask: 'timers' })).map(Number),
      packets: () => carried(this.#lab.recorder.events, name),
    }
  }

  #answers(ends: readonly NodeProcess[], request: Request): Promise<readonly unknown[]> {
    for (const end of ends) end.ask(request)
    return this.#lab.stage.story.hush(() => Promise.all(ends.map((end) => end.told())))
  }

  #sample(packet: Packet<string>, name: string): void {
    const { kind, sequence } = segmentIn(packet) ?? {}
    if (kind !== 'data' || sequence === undefined) return
    this.#lab.recorder.write({ side: packet.from, sample: { name: `data number ${name}`, value: sequence } })
  }

  #dissect(packet: Packet<string>): string | undefined {
    const name = this.#names.get(packet.destinationPort ?? 0)
    const segment = segmentIn(packet)
    return name === undefined || segment === undefined ? undefined : `${name}: ${describeSegment(segment)}`
  }
}

/** undefined: the packet has none. */
const segmentIn = (packet: Packet<string>): Segment | undefined => (packet.protocol === 'udp' ? decode(payloadOf(packet)) : undefined)

/** Of a few messages, with a fresh machine at each end. */
export interface Transfer {
  readonly port: number
  begin(messages: readonly string[]): void
  /** Settles when everything was acknowledged, with what was delivered. */
  finish(): Promise<readonly string[]>
  /** How many timers run at the sender, and at the receiver. */
  timers(): Promise<readonly number[]>
  /** How many have ended at the sender. */
  timeouts(): Promise<number>
  packets(): readonly Carried[]
}

/** A packet of a transfer. */
export interface Carried {
  readonly from: Side
  /** `data 0 "a"` */
  readonly text: string
  readonly fate: string
  readonly t: number
  readonly arrived?: number
}

/** What the wire saw of a transfer: of its last attempt. */
export function carried(events: readonly TraceEvent[], name: string): readonly Carried[] {
  const all = events.flatMap(({ t, side, packet }): readonly (Carried & { readonly whose: string })[] => {
    const [whose = '', text = ''] = packet?.text.split(': ') ?? []
    if ((side !== 'A' && side !== 'B') || packet === undefined || (whose !== name && !whose.startsWith(`${name}${ATTEMPT}`))) return []
    const { fate, arrived } = packet
    return [{ whose, from: side, text, fate, t, ...(arrived === undefined ? {} : { arrived }) }]
  })
  return all.filter(({ whose }) => whose === all.at(-1)?.whose)
}

const ATTEMPT = ', attempt '
const nameOf = (name: string, attempt: number): string => (attempt === 1 ? name : `${name}${ATTEMPT}${attempt}`)

export const sentBy = (side: Side, packets: readonly Carried[]): readonly Carried[] => packets.filter(({ from }) => from === side)

/** Those that the sender sent more than once, each as often as it was sent again. */
export function sentAgain(packets: readonly Carried[]): readonly string[] {
  const sent = sentBy('A', packets).map(({ text }) => text)
  return sent.filter((text, at) => sent.indexOf(text) < at)
}

/** How many packets the sender sent before the first answer came. */
export function underWay(packets: readonly Carried[]): number {
  const answered = Math.min(...sentBy('B', packets).flatMap(({ arrived }) => arrived ?? []))
  return sentBy('A', packets).filter(({ t }) => t < answered).length
}

/** The most numbers that lay between the oldest packet that was not acknowledged and the newest one sent, both counted. */
export function widestWindow(packets: readonly Carried[]): number {
  const moments = packets.flatMap(({ from, text, t, arrived }) => {
    const [at, number] = [from === 'A' ? t : arrived, Number(text.split(' ')[1])]
    return at === undefined ? [] : { at, from, number }
  })
  const acknowledged = new Set<number>()
  let [oldest, newest, widest] = [0, -1, 0]
  for (const { from, number } of moments.sort((one, other) => one.at - other.at)) {
    if (from === 'A') newest = Math.max(newest, number)
    else acknowledged.add(number)
    while (acknowledged.has(oldest)) oldest++
    widest = Math.max(widest, newest - oldest + 1)
  }
  return widest
}
