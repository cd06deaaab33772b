/** What lies between two hosts, and what it may do to packets. */
import type { PacketFilter } from './packet.js'

/** What a backend can do; the rest it refuses with a `RangeError`. */
export interface LinkAbilities {
  /** Delay, jitter, loss by chance, reordering, duplication, corruption. */
  readonly impairs: boolean
  /** Held packets are kept and go on at `release`; else they are lost, and a transport that retransmits goes on by itself. */
  readonly keeps: boolean
}

/** A link with one way each direction. What is set applies to packets that are sent from then on, in both. */
export interface Link {
  readonly backend: 'wire' | 'gate' | 'netem'
  readonly abilities: LinkAbilities
  /** One way, in ms. */
  delay: number
  /** Each packet's delay varies by up to so many ms, evenly; order is kept. */
  jitter: number
  /** Chances, from 0 to 1, of each packet on its own. */
  loss: number
  duplicate: number
  /** One bit of what the transport carries is turned. */
  corrupt: number
  /** The packet overtakes those that are delayed. tc-netem(8) */
  reorder: number
  /** Keeps back what matches from now on. Filters add up. */
  hold(filter: PacketFilter): void
  /** Loses the next `times` packets that match. */
  drop(filter: PacketFilter, times?: number): void
  /** Forgets every filter, and lets go what was kept, in order. */
  release(): void
}
