/**
 * A wire in user space: the packets of two interfaces, each in a network of its own, pass through this process, which
 * delays, loses, holds and notes them. The kernels' stacks on both ends are real. The interfaces are TUN or, where there
 * is none, Ethernet. Documentation/networking/tuntap.rst, packet(7)
 */
import { corrupted } from './corruption.js'
import type { End } from './end.js'
import type { Link, Which } from './link.js'
import { decode, matches, otherSide, type Packet, type PacketFilter, SIDES, type Side } from './packet.js'
import { generator } from './random.js'
import type { Recorder } from './recorder.js'
import { Way } from './way.js'

/** A packet on its way. */
interface Passing {
  readonly packet: Packet
  readonly note: ReturnType<Recorder['packet']>
}

/** Packets that something is to happen to: so many of those that match, behind so many. */
interface Chosen {
  readonly filter: PacketFilter
  after: number
  times: number
}

export interface WireOptions {
  /** What is left to chance is the same in every run with the same seed. */
  readonly seed?: number
}

export class Wire implements Link {
  readonly backend = 'wire'
  delay = 0
  jitter = 0
  rate = Number.POSITIVE_INFINITY
  loss = 0
  duplicate = 0
  corrupt = 0
  reorder = 0
  /** Called with each packet as it comes onto the wire, whatever becomes of it. */
  onPacket: ((packet: Packet) => void) | undefined
  readonly #ends: Readonly<Record<Side, End>>
  readonly #recorder: Recorder
  readonly #random: () => number
  readonly #ways: Readonly<Record<Side, Way>> = { A: new Way(), B: new Way() }
  readonly #kept: Passing[] = []
  #filters: readonly PacketFilter[] = []
  readonly #drops: Chosen[] = []
  readonly #damages: Chosen[] = []

  /** The ends become the wire's. */
  constructor(ends: Readonly<Record<Side, End>>, recorder: Recorder, { seed = 1 }: WireOptions = {}) {
    this.#ends = ends
    this.#recorder = recorder
    this.#random = generator(seed)
    for (const side of SIDES) ends[side].listen((bytes) => this.#take(side, bytes))
  }

  async hold(...filters: PacketFilter[]): Promise<void> {
    for (const side of SIDES) this.#ends[side].drain()
    this.#filters = filters
    const kept = this.#kept.splice(0)
    for (const passing of kept)
      if (this.#isHeld(passing.packet)) this.#kept.push(passing)
      else this.#depart(passing)
  }

  release(): Promise<void> {
    return this.hold()
  }

  drop(filter: PacketFilter, { after = 0, times = 1 }: Which = {}): () => void {
    const drop = { filter, after, times }
    this.#drops.push(drop)
    return () => {
      drop.times = 0
    }
  }

  damage(filter: PacketFilter, { after = 0, times = 1 }: Which = {}): void {
    this.#damages.push({ filter, after, times })
  }

  /** How many packets are kept back. */
  get held(): number {
    return this.#kept.length
  }

  close(): void {
    for (const side of SIDES) this.#ways[side].close()
    for (const side of SIDES) this.#ends[side].close()
  }

  #take(from: Side, bytes: Uint8Array): void {
    const packet = decode(bytes, from)
    // IPv6's own discovery of neighbours, which no story is about.
    if (packet !== undefined) this.#meet(packet)
  }

  #meet(packet: Packet): void {
    const passing = { packet, note: this.#recorder.packet(packet) }
    this.onPacket?.(packet)
    if (isChosen(packet, this.#drops) || this.#happens(this.loss)) {
      passing.note.fate('lost')
      return
    }
    if (this.#isHeld(packet)) {
      passing.note.fate('held')
      this.#kept.push(passing)
      return
    }
    this.#depart(passing)
  }

  #isHeld(packet: Packet): boolean {
    return this.#filters.some((filter) => matches(packet, filter))
  }

  #depart({ packet, note }: Passing): void {
    const broken = isChosen(packet, this.#damages) || this.#happens(this.corrupt)
    const bytes = broken ? corrupted(packet, this.#random) : packet.bytes
    const twice = this.#happens(this.duplicate)
    note.fate(broken ? 'corrupted' : twice ? 'duplicated' : 'delivered')
    for (let copy = 0; copy < (twice ? 2 : 1); copy++) this.#deliver(packet.from, bytes, note)
  }

  #deliver(from: Side, bytes: Uint8Array, note: Passing['note']): void {
    const put = () => {
      // What is on the wire when a host goes is lost.
      if (this.#ends[otherSide(from)].put(bytes)) note.arrived()
      else note.fate('lost')
    }
    if (this.#happens(this.reorder)) put()
    else this.#ways[from].pass(put, this.delay + this.jitter * this.#random(), bytes.length / this.rate)
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#random() < chance
  }
}

/** Every choice counts the packet, whether or not another has chosen it. */
function isChosen(packet: Packet, choices: readonly Chosen[]): boolean {
  let chosen = false
  for (const choice of choices) {
    if (choice.times === 0 || !matches(packet, choice.filter)) continue
    if (choice.after > 0) choice.after--
    else {
      choice.times--
      chosen = true
    }
  }
  return chosen
}
