/**
 * The kernel's network emulator between two addresses of one network, for machines that have no wire but its module,
 * sch_netem. It tells nothing of the packets. tc-netem(8)
 */
import { spawnSync } from 'node:child_process'
import { programAt } from '../core/program-at.js'
import { Skip } from '../stage/stage.js'
import { Gate } from './gate.js'
import { entering, type Host } from './host.js'
import type { Impairments, Link } from './link.js'
import { orSkip } from './or-skip.js'
import type { PacketFilter, Side } from './packet.js'

/** As on an Ethernet. The loopback interface would hand over 64 KiB at a time, all of it delayed or lost as one. */
const SINGLE_PACKETS = ['mtu', '1500', 'gso_max_segs', '1']
/** Packets that are under way. The kernel's default, 1,000, would lose some of a long fat link. */
const LIMIT = '100000'

export class Netem implements Link {
  readonly backend = 'netem'
  readonly #host: Host
  readonly #gate: Gate
  readonly #set: Impairments = { delay: 0, jitter: 0, rate: Number.POSITIVE_INFINITY, loss: 0, duplicate: 0, corrupt: 0, reorder: 0 }

  private constructor(host: Host, gate: Gate) {
    this.#host = host
    this.#gate = gate
  }

  /** A link between hosts that share a network. @throws Skip where the kernel has no sch_netem, or no nftables to hold packets */
  static async between(hosts: Readonly<Record<Side, Host>>): Promise<Netem> {
    await orSkip('the emulator needs ip', () => hosts.A.command('ip', ['link', 'set', 'dev', 'lo', ...SINGLE_PACKETS]))
    await orSkip('the emulator needs tc and sch_netem', () => hosts.A.command('tc', qdisc('delay', '0ms')))
    return new Netem(hosts.A, await Gate.between(hosts))
  }

  hold(...filters: PacketFilter[]): Promise<void> {
    return this.#gate.hold(...filters)
  }

  release(): Promise<void> {
    return this.#gate.release()
  }

  drop(): never {
    throw new Skip('the emulator loses by chance alone: to lose a certain packet takes a wire')
  }

  damage(): void {
    throw new Skip('the emulator corrupts by chance alone: to damage a certain packet takes a wire')
  }

  get delay(): number {
    return this.#set.delay
  }
  set delay(ms: number) {
    this.#change({ delay: ms })
  }

  get jitter(): number {
    return this.#set.jitter
  }
  set jitter(ms: number) {
    this.#change({ jitter: ms })
  }

  get rate(): number {
    return this.#set.rate
  }
  set rate(bytesPerMs: number) {
    this.#change({ rate: bytesPerMs })
  }

  get loss(): number {
    return this.#set.loss
  }
  set loss(chance: number) {
    this.#change({ loss: chance })
  }

  get duplicate(): number {
    return this.#set.duplicate
  }
  set duplicate(chance: number) {
    this.#change({ duplicate: chance })
  }

  get corrupt(): number {
    return this.#set.corrupt
  }
  set corrupt(chance: number) {
    this.#change({ corrupt: chance })
  }

  get reorder(): number {
    return this.#set.reorder
  }
  set reorder(chance: number) {
    this.#change({ reorder: chance })
  }

  /** In force when it returns, as on a wire. */
  #change(change: Partial<Impairments>): void {
    Object.assign(this.#set, change)
    const [enter, ...entry] = entering(this.#host.pid)
    const { status, stderr } = spawnSync(enter, [...entry, programAt('tc') ?? 'tc', ...qdisc(...netemWords(this.#set))], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`tc: ${stderr.trim()}`)
  }
}

const qdisc = (...words: readonly string[]): readonly string[] => [
  'qdisc',
  'replace',
  'dev',
  'lo',
  'root',
  'netem',
  'limit',
  LIMIT,
  ...words,
]

/** A link's impairments in the words of tc-netem(8). */
export function netemWords({ delay, jitter, rate, loss, duplicate, corrupt, reorder }: Impairments): readonly string[] {
  const chance = (word: string, of: number) => (of > 0 ? [word, `${of * 100}%`] : [])
  return [
    // Its jitter goes both ways.
    ...['delay', `${delay + jitter / 2}ms`, ...(jitter > 0 ? [`${jitter / 2}ms`] : [])],
    // With a rate, packets keep their order in spite of jitter.
    ...(Number.isFinite(rate) ? ['rate', `${rate * 8}kbit`] : jitter > 0 ? ['rate', '100gbit'] : []),
    ...chance('loss', loss),
    ...chance('duplicate', duplicate),
    ...chance('corrupt', corrupt),
    ...chance('reorder', delay > 0 ? reorder : 0),
  ]
}
