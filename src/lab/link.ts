/** What lies between two hosts, and what it may do to packets. */
import type { PacketFilter } from './packet.js'

/**
 * What a link is made of: a wire of ours, nftables, or the kernel's own network emulator. The wire can do all that a link
 * can, and sees every packet.
 */
export const BACKENDS = ['wire', 'gate', 'netem'] as const
export type Backend = (typeof BACKENDS)[number]

/** What can keep packets back. The wire keeps them; the others lose them. */
export interface Barrier {
  readonly backend: Backend
  /**
   * Keeps back what matches one of these, and nothing else: what was kept and matches none of them goes on, in order.
   * Over a gate the sender's retransmission does. Settles when it is in force; what was sent before has met what was set
   * before.
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

/** What a link does to packets, left to chance. What is set applies to packets that are sent from then on, in both directions. */
export interface Impairments {
  /** One way, in ms. */
  delay: number
  /** Each packet's delay varies by up to so many ms, evenly; order is kept. */
  jitter: number
  /** Bytes a millisecond, each way: what comes faster waits its turn, as at the queue of a router that never loses any. */
  rate: number
  /** Chances, from 0 to 1, of each packet on its own. */
  loss: number
  duplicate: number
  /** One bit of what the transport carries is turned. */
  corrupt: number
  /** The packet overtakes those that are delayed. tc-netem(8) */
  reorder: number
}

/** A link with one way each direction. */
export interface Link extends Barrier, Impairments {
  /** Loses `times` (1) of the packets that match, behind the first `after` (0) of them. Answers what ends that. @throws Skip where the backend cannot count */
  drop(filter: PacketFilter, which?: Which): () => void
  /** Turns a bit of what these carry. @throws Skip where the backend cannot count */
  damage(filter: PacketFilter, which?: Which): void
}
