/**
 * What an adapter supplies. An adapter is one file that exports an `Adapter`; a mechanism is a folder
 * whose `index.ts` lists its adapters. Users never meet these types: `core/base-channel.ts` builds the
 * channel over them once.
 */
import type { ChildProcess } from 'node:child_process'
import type { AdapterId, Adapters, Bytes, Capabilities, Create, Credentials, ListenOptions } from './channel.js'
import type { IpcError } from './errors.js'

/** What to wait for, and what became possible. A mask. */
export const READABLE = 1
export const WRITABLE = 2

/**
 * One side of a raw connection, or one end of a raw object. Never waits, never frames, never queues;
 * throws nothing: results are byte counts or a `Result`, and after `Result.FAILED` the error is in `error`.
 *
 * Owned by exactly one channel, which calls `close` exactly once.
 */
export interface Endpoint {
  /** The error behind the last `Result.FAILED`. */
  readonly error: IpcError | undefined
  /** Who is on the other side, where the kernel tells. */
  readonly peer: Credentials | undefined
  /** Where it differs from the adapter's capability (an opened queue has its own limit). */
  readonly payload?: { readonly min: number; readonly max: number }
  /** The highest priority that `trySend` takes; absent with `capabilities.priority` false. */
  readonly maxPriority?: number
  /** About the message received last. */
  readonly lastPriority?: number
  readonly lastFrom?: Credentials | string | undefined

  /** The bytes taken: for messages all or none, for streams perhaps fewer. */
  trySend(data: Uint8Array, priority: number): number
  /**
   * The next message into `target`. Message endpoints keep a message that does not fit and answer
   * TARGET_SIZE; `nextLength` then tells its length. Stream endpoints fill what they can.
   * END stays END, PEER_GONE stays PEER_GONE.
   */
  tryReceiveInto(target: Uint8Array): number
  /** The length of the message behind the last TARGET_SIZE. */
  readonly nextLength?: number
  /** The next message in memory of its own, where it is on this side of the kernel already and that costs less than `tryReceiveInto`. */
  takeBuffered?(): Bytes | undefined
  /** A message, or the end, is already on this side of the kernel: no readiness will announce it. */
  readonly buffered?: boolean

  /**
   * From now on calls `onReady` with what became possible, until `watch(0)`. May be called more often
   * than needed (the caller tries and watches again), must not be called synchronously from here.
   */
  watch(interest: number): void
  /** Set once by the channel, before the first `watch`. */
  onReady: (ready: number) => void
  /** Blocks the thread until one of `interest` is possible: what is, or 0 after `timeoutMs` (negative: no limit). Undefined where the adapter has no sync facet. */
  waitSync?(interest: number, timeoutMs: number): number
  /**
   * As `trySend` and `tryReceiveInto`, but wait on this thread for up to `waitMs` (0: not at all; negative: no
   * limit), where one call can do both. May answer WOULD_BLOCK sooner; then `waitSync` waits.
   */
  sendSync?(data: Uint8Array, waitMs: number): number
  receiveSync?(target: Uint8Array, waitMs: number): number
  /** The last receive took all that was there: another one would most likely find nothing. Readiness tells of what comes. */
  readonly drained?: boolean

  /**
   * Waits for microseconds at most, where that is likely to pay: true where one of `interest` seems possible now.
   * False now and then although it is, so that the event loop gets its turn. Absent where it never pays.
   */
  linger?(interest: number): boolean

  /** Bytes accepted but not yet in the kernel: a frame written in part, a corked batch. */
  readonly outbox?: Outbox
  /** In-place access; only where `capabilities.zeroCopy`. */
  readonly zeroCopy?: RawZeroCopy

  /**
   * The rendezvous learned, outside the mechanism, that the peer is gone. Where what it sent may still be
   * on its way to this endpoint (in a thread), the endpoint answers PEER_GONE by itself after the last of it.
   */
  peerLost?(): void

  /** Ends the sending direction: the peer reads everything, then the end. Only where it can. */
  end(): void
  /** Releases everything at once: descriptors, memory, threads, names. */
  close(): void
}

/** What an endpoint holds back between `trySend` and the kernel. */
export interface Outbox {
  /** Messages of up to so many bytes are worth to be collected, as while corked, for one system call. */
  readonly gathers?: number
  readonly pendingBytes: number
  /** Gives the kernel what it takes: 0 when nothing is left, else a `Result`. */
  flush(): number
  /** Copies what is still borrowed from a caller. */
  own(): void
  /** While corked, sends collect. */
  cork(on: boolean): void
}

export interface RawZeroCopy {
  readonly memory: Uint8Array<ArrayBuffer>
  tryClaim(length: number): number
  commit(length: number): void
  abort(): void
  tryBorrow(): number
  readonly borrowedLength: number
  release(): void
}

/** A listener. Hands over each endpoint through the callback it was given. */
export interface Acceptor {
  /** The URL under which it can be reached. */
  readonly address: string
  /** Stops handing over until `resume`; peers wait in the kernel's queue. */
  pause(): void
  resume(): void
  /** Hands over at once what has come, without waiting for the event loop to tell. */
  look?(): void
  /** Stops listening and removes the name. Endpoints handed over live on. */
  close(): void
}

/** What `listen` gets beside the address. */
export interface ListenContext {
  readonly mode: number
  readonly backlog: number
  readonly maxMessageBytes: number
  /** Whether this peer may connect; ask as soon as the kernel tells who it is. */
  allow(peer: Credentials | undefined): boolean
  /** Hands over a connected endpoint. */
  accept(endpoint: Endpoint): void
  /** The listener can yield no more: after its one peer (`undefined`), or because of an error. */
  done(error?: IpcError): void
}

export interface ConnectContext {
  /** Aborts on the caller's signal or timeout; reject with its `reason`. */
  readonly signal: AbortSignal
  readonly maxMessageBytes: number
}

export interface OpenContext {
  readonly create: Create
  readonly mode: number
  readonly unlink: 'never' | 'on-close'
  readonly endAfterLastWriter: boolean
  readonly signal: AbortSignal
}

/** What a parent prepares for a child that inherits its end. */
export interface InheritOffer {
  /** Node's own stdio entries for 0 and 1; default `'inherit'`. */
  readonly stdio?: readonly ['pipe', 'pipe']
  /** Descriptors that the child gets, in this order. Of a `'pipe'` Node makes the ends: this process's is in `child.stdio`. */
  readonly descriptors: readonly (number | 'pipe')[]
  /** After the spawn: closes the child's descriptors here and gives the parent's endpoint. In the child they begin at `firstDescriptor`. */
  attach(child: ChildProcess, firstDescriptor: number): Endpoint
  /** Instead of `attach`, when the spawn failed. */
  abandon(): void
}

/** A pair of ends between two threads of one process. */
export interface ThreadOffer {
  /** Structured-cloned into the worker. */
  readonly token: unknown
  readonly endpoint: Endpoint
}

export interface Adapter<Id extends AdapterId = AdapterId> {
  readonly id: Id
  /** The one scheme of its URL form, without the colon. */
  readonly scheme: string
  /** One line for `list`. */
  readonly summary: string
  readonly capabilities: Capabilities
  /** Its waits spin for a while before they sleep, where the process may use several processors. */
  readonly spins?: true
  /** Why it cannot run here and what to do; undefined where it can. */
  unavailable(): string | undefined
  /** The typed address of a URL of its scheme. Throws TypeError or RangeError on a malformed one. */
  parse(url: URL): Adapters[Id]
  /** The URL of a typed address, validated: TypeError or RangeError. */
  format(address: Adapters[Id]): string
  /** A fresh address in `folder` (private, short) that nobody else uses; absent with `rendezvous: 'inherit'`. */
  temporary?(folder: string): Adapters[Id]
  listen?(address: Adapters[Id], context: ListenContext): Promise<Acceptor>
  connect?(address: Adapters[Id], context: ConnectContext): Promise<Endpoint>
  openReceiver?(address: Adapters[Id], context: OpenContext): Promise<Endpoint>
  openSender?(address: Adapters[Id], context: OpenContext): Promise<Endpoint>
  /** With `rendezvous: 'inherit'`: the parent's side of `spawnPeer`. */
  offer?(): InheritOffer
  /** With `rendezvous: 'inherit'`: the child's side; `firstDescriptor` is the first of the offer's. */
  join?(firstDescriptor: number): Endpoint
  /** The parent's side of `spawnPeer({ thread: true })` where no name is needed. */
  offerThread?(): ThreadOffer
  joinThread?(token: unknown): Endpoint
}

/** Declares an adapter, with its types checked and its capabilities frozen. */
export function defineAdapter<Id extends AdapterId>(adapter: Adapter<Id>): Adapter<Id> {
  Object.freeze(adapter.capabilities.payload)
  Object.freeze(adapter.capabilities)
  return Object.freeze(adapter)
}

/** A mechanism's folder: its variants, the one that leads first. */
export interface Mechanism {
  readonly name: string
  /** One line for `list` and `make help`. */
  readonly summary: string
  readonly variants: Readonly<Record<string, { readonly scheme: string; load(): Promise<{ default: { readonly id: AdapterId } }> }>>
}

export const defineMechanism = (mechanism: Mechanism): Mechanism => Object.freeze(mechanism)

export type { Adapters, ListenOptions }
