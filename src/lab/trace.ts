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
  /** A number that the story follows: cwnd, a queue's length. */
  readonly sample?: { readonly name: string; readonly value: number }
  /** What bytes of a connection mean to a protocol above TCP; `side` sent them. */
  readonly message?: TracedMessage
  /** What the story says at this moment. */
  readonly note?: string
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
