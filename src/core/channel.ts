/**
 * The contract. Every adapter is held to these promises by the conformance suite, whose titles cite
 * the numbers.
 *
 *  1. A channel is duplex; `capabilities.native` says whether that took one kernel object or two.
 *     `end()` closes one direction and the other keeps flowing where `capabilities.halfClose`.
 *  2. `send` settles when the kernel or the ring owns the bytes, not when the peer has read them; until
 *     then the buffer is borrowed. A message is delivered whole or not at all, byte-identical.
 *  3. Within one sender, messages arrive in the order sent, unless `capabilities.order` says otherwise.
 *  4. Nothing is dropped silently. When full, `send` waits (bounded by `maxQueuedBytes`, then
 *     ERR_IPC_FULL) and `trySend` says so. Where a mechanism coalesces or drops by nature,
 *     `capabilities.whenFull` says so.
 *  5. `receive` returns bytes that the caller owns whole. It returns `null` only where
 *     `capabilities.end` is `'kernel'` or `'ring'`, and only after everything sent before was read;
 *     with `'none'` it waits for data, abort or ERR_IPC_PEER_GONE. A zero-length message is not the
 *     end. A receiver opened before the first writer waits; `endAfterLastWriter: false` outlives
 *     writers that come and go.
 *  6. Payload limits are a number. One byte more: ERR_IPC_PAYLOAD_SIZE, nothing sent. `fragmented`
 *     carries any size over any mechanism with at least one word.
 *  7. Every wait takes an AbortSignal and a `timeout` in ms. Abort takes effect only before the kernel
 *     took the first byte; later `send` settles as if not aborted. A token or message that was
 *     obtained while being aborted goes to the next `receive`. Concurrent sends and receives are
 *     served in call order. `break` in `for await` closes nothing.
 *  8. `close()` refuses new sends, flushes, drains so that the peer sees an end and not a reset,
 *     releases, and is idempotent. `destroy(reason)` discards. After either no kernel object of ours,
 *     descriptor, thread or timer remains. A peer killed at any point never hangs the survivor where
 *     `capabilities.detectsPeerExit`.
 *  9. `try*` never waits, `*Into` fills the caller's buffer; both answer with numbers: `>= 0` bytes, or
 *     one of `Result`. What does not fit the target stays queued. `waitReadable`/`waitWritable` make
 *     them usable; `cork`/`uncork` publish a batch at once. An uncorked send publishes at once; where others
 *     of the same turn went before it, which nobody can have awaited, at the latest when the turn is over
 *     or this side tries, or blocks, on the channel: always before anybody can see the first one settle.
 * 10. An open channel keeps the process alive, `unref` does not; `process.exit()` right after a settled
 *     `send` loses nothing that the kernel owns (except TCP with unread input, which resets).
 * 11. Names that the library makes are exclusive, mode 0600, and recorded so that `clean` removes what
 *     a killed process left. Names that a user chose follow `create` and `unlink`. A stale socket path
 *     is probed before it is unlinked, and a successor's is never removed.
 * 12. What a hostile or broken peer writes can yield an error, never a crash, a hang or an
 *     out-of-bounds access. Lengths are bounded (`maxMessageBytes`, 64 MiB) before anything is
 *     allocated. Peers are checked by kernel credentials where the mechanism has them.
 * 13. Shared layouts carry magic, version, size and the user's `layout` tag; a mismatch is
 *     ERR_IPC_VERSION.
 * 14. A lock whose holder died says so, or the capability says that it cannot (`crashSafe: false`).
 */

/** Bytes whose memory is owned by the receiver alone. */
export type Bytes = Uint8Array<ArrayBuffer>

/** `'message'`: what was sent in one `send` arrives in one `receive`. `'stream'`: bytes without boundaries. */
export type Framing = 'message' | 'stream'

/** What to do about the named object: use one that is there, make one that must not be there, or either. */
export type Create = 'never' | 'exclusive' | 'if-missing'

/**
 * The address of every adapter, by its id. Each adapter folder merges in its own entries.
 *
 * Declared in `core/channel.js`, so an adapter writes
 * `declare module '../../core/channel.js' { interface Adapters { 'socket/tcp': { … } } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: declaration merging fills it
export interface Adapters {}

/** `<mechanism>/<variant>`: folder and file, command-line argument, Make suffix, report row. */
export type AdapterId = Extract<keyof Adapters, string>

/** A typed address, `{ adapter: 'socket/unix', path }`, or its URL form, `'unix:///path'`. */
export type Address = string | { [A in AdapterId]: { adapter: A } & Adapters[A] }[AdapterId]

export interface Timeout {
  /** Milliseconds after which the call rejects with ERR_IPC_TIMEOUT. Default: no limit. */
  timeout?: number | undefined
}

export interface CallOptions extends Timeout {
  /** Ends the wait; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Frozen facts that an adapter declares about itself. The conformance suite holds it to each. */
export interface Capabilities {
  /** What the mechanism itself preserves: messages, a byte stream, or bare events without bytes. */
  readonly framing: 'message' | 'stream' | 'event'
  /** Bytes that one message may have. */
  readonly payload: { readonly min: number; readonly max: number }
  /** Whether one kernel object carries both directions. */
  readonly native: 'duplex' | 'simplex'
  /** The order in which one sender's messages arrive. */
  readonly order: 'fifo' | 'priority' | 'none'
  /** What the mechanism does with a message for which it has no room. */
  readonly whenFull: 'block' | 'fail' | 'coalesce' | 'drop'
  /** Who tells a receiver that nothing more will come. */
  readonly end: 'kernel' | 'ring' | 'none'
  /** `end()` closes one direction and leaves the other. */
  readonly halfClose: boolean
  /** How two processes meet. */
  readonly rendezvous: 'inherit' | 'name' | 'pid' | 'network'
  /** How many peers one listener serves. */
  readonly peers: 'one' | 'many'
  /** What keeps unread messages alive. */
  readonly lifetime: 'process' | 'kernel' | 'filesystem'
  /** How an event loop waits for it: through `poll(2)`, or with a thread that blocks. */
  readonly asyncWait: 'poll' | 'thread'
  /** The mechanism itself tells that the peer is gone. */
  readonly detectsPeerExit: boolean
  /** A peer killed in the middle of anything leaves the mechanism usable. */
  readonly crashSafe: boolean
  /** `channel.sync` is there. */
  readonly sync: boolean
  /** `channel.zeroCopy` is there. */
  readonly zeroCopy: boolean
  /** `listen` and `connect` (or `spawnPeer`) make channels. */
  readonly connects: boolean
  /** `openReceiver` and `openSender` speak the mechanism raw. */
  readonly opens: boolean
  /** The peer may be on another machine. */
  readonly crossesHosts: boolean
  /** `send` takes a priority that the mechanism honours. */
  readonly priority: boolean
  /** Promises that an adapter over a third-party package does not keep, each with its reason. */
  readonly exempt?: Readonly<Record<number, string>>
}

/** Who the kernel says the peer is. */
export interface Credentials {
  readonly pid: number
  readonly uid: number
}

export interface Message {
  readonly data: Bytes
  /** The mechanism's own priority; 0 where it has none. */
  readonly priority: number
  /** The sender, where the mechanism tells: credentials, or an address. */
  readonly from: Credentials | string | undefined
}

/** What `try*` and `*Into` answer instead of a byte count. All are negative. */
export const Result = {
  /** Empty, or full. Wait with `waitReadable` or `waitWritable`. */
  WOULD_BLOCK: -1,
  /** Nothing more will come. */
  END: -2,
  /** This side has closed the channel, or ended this direction. */
  CLOSED: -3,
  /** The peer is gone. */
  PEER_GONE: -4,
  /** The payload is outside `capabilities.payload`. Nothing was sent. */
  PAYLOAD_SIZE: -5,
  /** The message is larger than the target. It stays queued. */
  TARGET_SIZE: -6,
  /** Other calls of this side are waiting and come first. */
  BUSY: -7,
  /** The operation failed; `send`, `receive` or `closed` tell the error. */
  FAILED: -8,
} as const

interface Referable {
  /** Keeps the process alive while open (the default). */
  ref(): this
  /** Lets the process end although this is open. */
  unref(): this
}

/** What a channel, a sender and a receiver have in common. */
export interface Link extends AsyncDisposable, Referable {
  readonly adapter: AdapterId
  readonly capabilities: Capabilities
  /** Who is on the other side, where the kernel tells. */
  readonly peer: Credentials | undefined
  readonly state: 'open' | 'closing' | 'closed'
  /** Settles when closed: with `undefined` after `close()`, with the reason after a failure or `destroy(reason)`. Never rejects. */
  readonly closed: Promise<Error | undefined>
  /**
   * Refuses new sends, flushes those accepted, tells the peer, releases everything. Settles when all is
   * released. Calling it again returns the same outcome.
   * @throws ERR_IPC_TIMEOUT when not all was flushed in `timeout` ms; everything is released all the same.
   */
  close(options?: CallOptions): Promise<void>
  /** Discards what was not sent and releases everything at once. Waiting calls reject with `reason` or ERR_IPC_CLOSED. */
  destroy(reason?: Error): void
}

export interface Sender extends Link {
  /** Bytes accepted by `send` that the kernel or the ring does not own yet. */
  readonly queuedBytes: number
  /**
   * Sends one message (or, with `framing: 'stream'`, bytes). Settles when the kernel or the ring owns
   * all of it; until then the buffer is borrowed. Many that are not awaited one by one cost few system calls.
   * @throws ERR_IPC_PAYLOAD_SIZE, ERR_IPC_FULL, ERR_IPC_CLOSED, ERR_IPC_PEER_GONE, ERR_IPC_TIMEOUT
   */
  send(data: Uint8Array, options?: CallOptions & { priority?: number }): Promise<void>
  /** Sends without waiting. The bytes taken (for messages all of them), or a `Result`. */
  trySend(data: Uint8Array, priority?: number): number
  /** Settles with true when `trySend` may succeed, with false when this direction is over. */
  waitWritable(options?: CallOptions): Promise<boolean>
  /** Collects the following sends until `uncork`; a full batch is published anyway. */
  cork(): void
  /** Publishes what was corked. */
  uncork(): void
  /** Flushes, then ends the sending direction. Settles when the kernel or the ring has the end. */
  end(options?: CallOptions): Promise<void>
}

export interface Receiver extends Link, AsyncIterable<Bytes> {
  /** The next message, owned by the caller; `null` at the end. */
  receive(options?: CallOptions): Promise<Bytes | null>
  /** The next message with what the mechanism tells about it; `null` at the end. */
  receiveMessage(options?: CallOptions): Promise<Message | null>
  /** The next message into `target`: its length, or END or TARGET_SIZE of `Result`. */
  receiveInto(target: Uint8Array, options?: CallOptions): Promise<number>
  /** The next message into `target` without waiting: its length, or a `Result`. */
  tryReceiveInto(target: Uint8Array): number
  /** Settles with true when `tryReceiveInto` has something to tell, with false when closed. */
  waitReadable(options?: CallOptions): Promise<boolean>
  /** The messages until the end. Leaving the loop closes nothing; another loop goes on where it stopped. */
  messages(options?: CallOptions): AsyncIterableIterator<Bytes>
}

export interface Channel<F extends Framing = 'message'> extends Sender, Receiver {
  readonly framing: F
  /** Calls that block the thread; undefined where the adapter has none. */
  readonly sync: SyncFacet | undefined
  /** Sending and receiving in place; undefined where the adapter has none. */
  readonly zeroCopy: ZeroCopyFacet | undefined
}

/** The blocking face. A signal does not end a wait, and no JavaScript runs on this thread meanwhile. */
export interface SyncFacet {
  /**
   * Returns when the kernel or the ring owns all of it. `timeout` gives up only what has not begun: where
   * the kernel has a part when the time is over, the call returns, and the rest, of which the channel keeps
   * a copy, is sent by the event loop, the next `sync.send` or `close`.
   * @throws as `Sender.send`; ERR_IPC_BUSY while calls of `Sender.send` wait
   */
  send(data: Uint8Array, options?: Timeout): void
  receive(options?: Timeout): Bytes | null
  /** The length received, or END or TARGET_SIZE of `Result`. */
  receiveInto(target: Uint8Array, options?: Timeout): number
}

/** Room in the ring for one message, owned by the caller until `commit` or disposal (which gives it back unsent). */
export interface Claim extends Disposable {
  readonly data: Bytes
  /** Publishes the message, shortened to `length`. `data` has length 0 afterwards. */
  commit(length?: number): void
}

/** A message in place. Its room is the sender's again after `release`; `data` must not be used then. */
export interface Loan extends Disposable {
  readonly data: Bytes
  release(): void
}

/**
 * Messages written and read in place, in memory that both processes share. The contents may change
 * at any time if the peer is hostile: check what you copied, not what you look at.
 */
export interface ZeroCopyFacet {
  /** Room for a message of `length` bytes, waiting until there is. One claim at a time. */
  claim(length: number, options?: CallOptions): Promise<Claim>
  /** The next message in place, or `null` at the end. One loan at a time. */
  borrow(options?: CallOptions): Promise<Loan | null>
  /** The mapping into which the offsets below point. */
  readonly memory: Bytes
  /** An offset into `memory`, or a `Result`. Nothing is allocated. */
  tryClaim(length: number): number
  /** Publishes the claim made by `tryClaim`. */
  commit(length: number): void
  /** Gives back the claim made by `tryClaim`. */
  abort(): void
  /** The offset of the next message, or a `Result`; its length is `borrowedLength`. */
  tryBorrow(): number
  readonly borrowedLength: number
  release(): void
}

export interface LinkOptions extends CallOptions {
  /** The longest message that framing accepts from the peer, in bytes. Default 64 MiB. */
  maxMessageBytes?: number
  /** How many bytes `send` may queue before it rejects with ERR_IPC_FULL. Default 16 MiB. */
  maxQueuedBytes?: number
  /** `'stream'` turns the library's framing off. Only for adapters whose capability is `'stream'`. */
  framing?: Framing
}

export interface ConnectOptions extends LinkOptions {
  /** Waits until somebody listens, instead of rejecting with ERR_IPC_NOT_FOUND. */
  waitForPeer?: boolean
}

export interface ListenOptions extends LinkOptions {
  /** Permissions of the names made. Default 0o600. */
  mode?: number
  /** Channels open at one time. Default: no limit where the mechanism has none. */
  maxPeers?: number
  /** Who may connect, where the kernel tells. Default `'same-user'`. */
  allow?: 'same-user' | ((peer: Credentials | undefined) => boolean)
}

export interface OpenOptions extends LinkOptions {
  /** Default `'never'`: use what is there. */
  create?: Create
  /** Permissions of an object that this call creates. Default 0o600. */
  mode?: number
  /** Whether closing removes an object that this call created. Default `'on-close'`. */
  unlink?: 'never' | 'on-close'
  /** Whether a receiver ends when the last writer has gone. Default true. */
  endAfterLastWriter?: boolean
}

export interface SpawnOptions extends LinkOptions {
  /** Default `'socket/unix'`. */
  adapter?: AdapterId
  /** A worker thread instead of a process. */
  thread?: boolean
  args?: readonly string[]
  /** The descriptor that becomes the child's standard error. Default: this process's own. A thread has that of its process. */
  stderr?: number
  /** Milliseconds that `close` of the peer waits for its exit before it kills it. Default 5000. */
  killAfter?: number
}

export interface Server<F extends Framing = 'message'> extends AsyncIterable<Channel<F>>, AsyncDisposable, Referable {
  /** Where it listens, as a URL; for port 0 the port that the kernel chose. */
  readonly address: string
  /** The channels that are open. */
  readonly channels: ReadonlySet<Channel<F>>
  /** Stops listening and removes the name. Who has connected is still yielded, and channels stay open. */
  stop(): void
  /** Stops listening, removes the name, closes the channels. */
  close(options?: CallOptions): Promise<void>
}

export interface Peer extends AsyncDisposable {
  readonly channel: Channel
  readonly pid: number
  /** Settles when the process (or thread) has ended. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>
}
