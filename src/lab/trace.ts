/** What happened in a story, in time: the one file that a test asserts and the report draws. */

import type { Flag } from './packet.js'
import type { TcpState } from './tcp-state.js'

export const TRACE_VERSION = 1

/** What became of a packet. */
export type Fate = 'delivered' | 'held' | 'lost' | 'corrupted' | 'duplicated'

export interface TracedPacket {
  /** In the order in which they came onto the link, from 1. */
  readonly number: number
  readonly text: string
  readonly protocol: string
  readonly flags?: readonly Flag[]
  /** Relative to the first of its direction, as tools show it. */
  readonly sequence?: number
  readonly acknowledgment?: number
  readonly length: number
  readonly fate: Fate
  /** When it came out at the other side; absent where it did not, or not yet. */
  readonly arrived?: number
  /** On an Ethernet of several hosts. */
  readonly frame?: TracedFrame
}

export interface TracedFrame {
  readonly link: string
  /** The hosts at which it came out. */
  readonly to: readonly string[]
  /** Hardware addresses. */
  readonly source: string
  readonly destination: string
  /** Of the packet within, where it is one. */
  readonly ttl?: number
}

/** One line; `t` in ms since the story began. */
export interface TraceEvent {
  readonly t: number
  /** The host where it was seen, `A` and `B` at the ends of a wire; absent where it concerns all. */
  readonly side?: string
  /** A socket changed its state; `from` absent: it came to be. */
  readonly state?: { readonly socket: string; readonly from?: TcpState; readonly to: TcpState }
  readonly packet?: TracedPacket
  readonly sample?: Sample
  /** What the story says at this moment. */
  readonly note?: string
}

/** A number that the story follows: cwnd, a queue's length, a latency. */
export interface Sample {
  /**
   * First what it is, with its unit in brackets if that needs saying, then whose: `cwnd reno`, `latency (ms) reactor`.
   * What begins alike is plotted together, a line for each that it may be of.
   */
  readonly name: string
  readonly value: number
  /** What it is plotted over, where that is not the time: `{ name: 'clients', value: 100 }`. */
  readonly over?: { readonly name: string; readonly value: number }
  /** Why its line ends here. */
  readonly end?: string
}

export interface Trace {
  readonly version: typeof TRACE_VERSION
  readonly story: string
  readonly title: string
  /** How the hosts were joined: `wire`, `gate`, `switch`, `loopback`. */
  readonly backend: string
  readonly kernel: string
  readonly events: readonly TraceEvent[]
}
