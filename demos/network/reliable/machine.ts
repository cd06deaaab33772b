/** What a machine of a protocol is called with, and what it may call: the events and actions of the figures. */
import type { Segment } from './segment.js'

/** The unreliable channel below. */
export interface Channel {
  /** `udt_send` */
  send(segment: Segment): void
  /** A timer that stands: `start_timer` starts it anew. */
  timer(timeout: () => void): Timer
}

export interface Timer {
  start(): void
  stop(): void
}

export interface Sender {
  /** Whether `rdt_send` may be called now; a window that is full refuses data. */
  readonly ready: boolean
  /** `rdt_send`, from above. */
  send(data: string): void
  /** `rdt_rcv`, from below. undefined: corrupt */
  receive(answer: Segment | undefined): void
  /** Whether everything was acknowledged. */
  readonly idle: boolean
}

export interface Receiver {
  /** `rdt_rcv`, from below. undefined: corrupt */
  receive(packet: Segment | undefined): void
}

export interface Protocol {
  sender(channel: Channel): Sender
  /** `deliver`: `deliver_data`, to above. */
  receiver(channel: Channel, deliver: (data: string) => void): Receiver
}

/** N, where several packets may be under way. */
export const WINDOW = 4
