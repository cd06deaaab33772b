/** What a peer supplies: something that users pick instead of this library, made to carry the same exchange. */
import type { ChildProcess, SerializationType } from 'node:child_process'
import type { MessagePort, Worker } from 'node:worker_threads'
import type { Port } from '../port.js'

/**
 * One alternative, used the way its own documentation says. It waits in the event loop (`poll`), for none
 * has another way. What was done to be fair to it stands at the head of its file.
 */
export interface BenchPeer {
  readonly id: PeerId
  readonly summary: string
  /** Bytes of one message. */
  readonly payload: { readonly min: number; readonly max: number }
  /** It drops what it has no room for. */
  readonly lossy: boolean
  /** Its two sides are threads of one process. */
  readonly thread: boolean
  /** Why it cannot run here, and how to get it; `undefined` where it can. Never throws. */
  unavailable(): string | undefined
  /** The measuring side: listens, calls `start` once, and settles when both sides can send. */
  offer(meeting: Meeting, start: Start): Promise<Link>
  /** The other side: `ticket` is what `offer` gave to `start`. */
  join(meeting: Meeting, ticket: Ticket): Promise<Link>
}

/** What stands for a mechanism in the id of a peer. */
export const PEER = 'peer'
export type PeerId = `${typeof PEER}/${string}`

/** What a side knows beforehand of the exchange. */
export interface Meeting {
  /** Each message that this side receives: what has no frames of its own cuts the bytes by it. */
  readonly receiveBytes: number
  /** The most messages on their way in one direction: the acknowledgements of the exchange hold the sender back there. */
  readonly inFlight: number
}

/** One side of the pair. */
export interface Link {
  readonly port: Port
  /** A process in between, whose cost counts. */
  readonly broker?: number
  /** Ends the connection and removes what this side made. What was not received yet is lost. */
  close(): void | Promise<void>
}

/** Where to meet: text for a process, a port for a thread. */
export type Ticket = string | MessagePort

/** Starts the other side. */
export interface Start {
  /** `ipc`: with the channel of `process.send`, and its serialization. */
  process(ticket: string, ipc?: SerializationType): ChildProcess
  thread(ticket: MessagePort): Worker
}
