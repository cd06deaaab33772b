/** What lies between two hosts, and what it may do to packets. */
import type { PacketFilter } from './packet.js'

/** What can keep packets back. Two backends have it: the wire keeps them, the gate loses them. */
export interface Barrier {
  readonly backend: 'wire' | 'gate'
  /**
   * Keeps back what matches one of these, and nothing else: what was kept and matches none of them goes on, in order.
   * Over a gate the sender's retransmission does. Settles when it is in force.
   */
  hold(...filters: PacketFilter[]): Promise<void>
  /** Keeps back nothing: `hold()`. */
  release(): Promise<void>
}

/** Some of the packets that match a filter. */
export interface Which {
  readonly after?: number
  readonly times?: number
}

/** A link with one way each direction. What is set applies to packets that are sent from then on, in both. */
export interface Link extends Barrier {
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
  /** Loses `times` (1) of the packets that match, behind the first `after` (0) of them. */
  drop(filter: PacketFilter, which?: Which): void
  /** Turns a bit of what these carry. */
  damage(filter: PacketFilter, which?: Which): void
}
