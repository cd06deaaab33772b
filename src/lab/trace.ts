/** What happened in a story, in time: the one file that a test asserts and the report draws. */

import type { Step } from '../stage/story.js'
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
  /** Source and destination. */
  readonly ports?: readonly [source: number, destination: number]
  readonly flags?: readonly Flag[]
  /** Relative to the first of its direction, as tools show it. */
  readonly sequence?: number
  readonly acknowledgment?: number
  /** How many bytes its sender can still take, behind those acknowledged. */
  readonly window?: number
  /** With URG: the sequence number behind the urgent byte. */
  readonly urgent?: number
  readonly length: number
  readonly fate: Fate
  /** It was kept on the link for a while, whatever became of it then. */
  readonly kept?: true
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

/** A request, an answer, a frame, a record: the unit of a protocol above TCP. */
export interface TracedMessage {
  readonly protocol: 'http/1.1' | 'http/2' | 'tls'
  readonly text: string
  /** Of HTTP/2; 0 is the connection itself. */
  readonly stream?: number
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
  /** What bytes of a connection mean to a protocol above TCP; `side` sent them. */
  readonly message?: TracedMessage
  /** What the story says at this moment, and what that is: what comes next, a call, or what was seen. */
  readonly note?: string
  readonly kind?: Step['kind']
}

/** A number that the story follows: cwnd, a queue's length, a latency. */
export interface Sample {
  /**
   * First what it is, with its unit in brackets if that needs saying, then whose: `cwnd reno`, `latency (ms) reactor`.
   * What begins alike is plotted together, a line for each that it may be of. Or first whose, and what behind a colon:
   * `blocking: system calls a message`. What there is but once stands in a table.
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
