/** The channel that users hold, built once over any endpoint: queues, order, waits, abort, closing. */
import { type Endpoint, type Outbox, type RawZeroCopy, READABLE, WRITABLE } from './adapter.js'
import {
  type AdapterId,
  type Bytes,
  type CallOptions,
  type Capabilities,
  type Channel,
  type Credentials,
  type Framing,
  type Message,
  type Receiver,
  Result,
  type Sender,
  type SyncFacet,
  type Timeout,
  type ZeroCopyFacet,
} from './channel.js'
import { closedError, type ErrorContext, IpcError, resultError } from './errors.js'
import { LARGE_BYTES } from './framing.js'
import { KeepAlive } from './keep-alive.js'
import { type BatchHost, costOf, SendBatch } from './send-batch.js'
import { checkOptions, checkTimeout, limit, timeoutError } from './wait.js'
import { ZeroCopy } from './zero-copy.js'

export const DEFAULT_QUEUED_BYTES = 16 * 1024 * 1024
export const DEFAULT_MESSAGE_BYTES = 64 * 1024 * 1024
const SCRATCH_BYTES = 64 * 1024
const SENT = Promise.resolve()
const NOTHING = new Uint8Array(0)
const NO_OPTIONS: CallOptions = Object.freeze({})
const NO_LIMIT = -1
/** Of calls that may wait: this one does not. */
const NO_WAIT = 0
/** How many sends at most pass before the next one looks whether others come with it. */
const LONGEST_PAUSE = 15

/** A call that waits. Served in call order; `give` runs until it answers true. */
export interface Waiting {
  /** Tries; true when the call is settled. */
  attempt(): boolean
  /** Rejects the call. */
  fail(error: unknown): void
  /** Ends what limits the wait. */
  stop: () => void
  /** Instead of `fail`, when this side closes. */
  closed?(): void
  /** Whether giving up still undoes everything: nothing has reached the kernel. */
  readonly undoable: boolean
  /** The rest of a call that has returned; nobody waits for it. */
  readonly rest?: true
}

export interface BaseOptions {
  adapter: AdapterId
  address?: string | undefined
  capabilities: Capabilities
  framing: Framing
  maxQueuedBytes?: number | undefined
  /** What the rendezvous knows of the peer, where the endpoint does not. */
  peer?: Credentials | undefined
  /** Runs once when everything is released. */
  onClosed?: (() => void) | undefined
}

export class BaseChannel<F extends Framing = 'message'> implements Channel<F>, Sender, Receiver {
  readonly adapter: AdapterId
  readonly capabilities: Capabilities
  readonly framing: F
  readonly closed: Promise<Error | undefined>
  readonly #context: ErrorContext
  readonly #endpoint: Endpoint
  readonly #outbox: Outbox | undefined
  /** Of what one call may send; a stream takes any. */
  readonly #shortest: number
  readonly #longest: number
  readonly #maxQueuedBytes: number
  readonly #keepAlive = new KeepAlive()
  readonly #settleClosed: (reason: Error | undefined) => void
  readonly #onClosed: (() => void) | undefined
  readonly #givenPeer: Credentials | undefined
  readonly #sends: Waiting[] = []
  readonly #receives: Waiting[] = []
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #reason: Error | undefined
  #queued = 0
  #corks = 0
  /** Up to which length messages are gathered; -1: none is. */
  readonly #gathered: number
  #batchHost: BatchHost | undefined
  /** A message was sent, and its caller cannot have seen the promise settle yet. */
  #inTurn = false
  /** The first of `#sends` is a batch that is held back until the turn is over. */
  #gathering = false
  /** Sends that do not look whether others come in the same turn; how many the next time. */
  #pause = 0
  #nextPause = 0
  #sendEnded = false
  #sendOver: number | undefined
  #receiveOver: number | undefined
  #failure: Error | undefined
  #peerLost = false
  #scratch: Bytes | undefined
  /** Where the next large message is received; what is handed over is replaced. */
  #large: Bytes | undefined
  readonly #takesBytes = () => this.#takeBytes(NO_WAIT)
  #wanted = 0
  #sync: SyncFacet | undefined
  #zeroCopy: ZeroCopyFacet | undefined
  #answer = 0
  #answered = Promise.resolve(0)

  constructor(endpoint: Endpoint, options: BaseOptions) {
    this.#endpoint = endpoint
    this.adapter = options.adapter
    this.framing = options.framing as F
    this.capabilities =
      endpoint.payload === undefined ? options.capabilities : Object.freeze({ ...options.capabilities, payload: endpoint.payload })
    const { min, max } = this.capabilities.payload
    this.#shortest = this.framing === 'message' ? min : 0
    this.#longest = this.framing === 'message' ? max : Number.POSITIVE_INFINITY
    this.#outbox = endpoint.outbox
    this.#gathered = endpoint.outbox?.gathers ?? -1
    this.#context = { adapter: options.adapter, address: options.address }
    this.#maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_QUEUED_BYTES
    this.#givenPeer = options.peer
    this.#onClosed = options.onClosed
    let settle: (reason: Error | undefined) => void = () => {}
    this.closed = new Promise((resolve) => {
      settle = resolve
    })
    this.#settleClosed = settle
    endpoint.onReady = (ready) => this.#serve(ready)
    this.#keepAlive.hold(true)
  }

  get peer(): Credentials | undefined {
    return this.#endpoint.peer ?? this.#givenPeer
  }
  get state(): 'open' | 'closing' | 'closed' {
    return this.#state
  }
  get queuedBytes(): number {
    if (this.#state === 'closed') return this.#queued
    const head = this.#sends[0]
    return this.#queued - (head instanceof SendBatch ? head.handed : 0) + this.#pending()
  }

  ref(): this {
    if (this.#state !== 'closed') this.#keepAlive.hold(true)
    return this
  }
  unref(): this {
    this.#keepAlive.hold(false)
    return this
  }

  // ---- sending ----------------------------------------------------------------------------------

  send(data: Uint8Array, options: CallOptions & { priority?: number } = NO_OPTIONS): Promise<void> {
    try {
      checkBytes(data)
      checkOptions(options)
      const priority = this.#checkPriority(options.priority)
      const refused = this.#refuseSend(data)
      if (refused !== undefined) return Promise.reject(this.#sendError(refused, data))
      if (this.#inTurn || this.#corks > 0 || this.#sends.length > 0) {
        if (data.length <= this.#gathered && isEndless(options) && this.#fits(costOf(data))) return this.#gather(data)
        this.#publish()
        if (this.#sends.length > 0) return this.#queueSend(data, priority, options)
      }
      let n = this.#put(data, priority)
      if (n === Result.WOULD_BLOCK && this.#endpoint.linger?.(WRITABLE)) n = this.#put(data, priority)
      if (n >= data.length && this.#pending() === 0) {
        if (this.#gathered >= 0) this.#lookForMore()
        return SENT
      }
      if (n >= 0) return this.#queueSend(data.subarray(this.framing === 'stream' ? n : data.length), priority, options, true)
      if (n === Result.WOULD_BLOCK) return this.#queueSend(data, priority, options)
      return Promise.reject(this.#sendError(n, data))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  trySend(data: Uint8Array, priority?: number): number {
    checkBytes(data)
    const checked = this.#checkPriority(priority)
    const refused = this.#refuseSend(data)
    if (refused !== undefined) return refused
    this.#publish()
    if (this.#sends.length > 0) return Result.WOULD_BLOCK
    const n = this.#put(data, checked)
    if (n >= 0 && this.#pending() > 0) {
      this.#outbox?.own()
      if (this.#corks === 0) this.#finishLater()
    }
    return n
  }

  async waitWritable(options: CallOptions = {}): Promise<boolean> {
    checkOptions(options)
    if (this.#state !== 'open' || this.#sendEnded) return false
    return this.#wait(this.#sends, options, (settle) => {
      let waited = false
      return {
        undoable: true,
        attempt: () => {
          if (this.#sendOver === undefined && !this.#peerLost) {
            if (!waited) {
              waited = true
              return false
            }
            if (this.#pending() > 0 && this.#outbox?.flush() === Result.WOULD_BLOCK) return false
          }
          settle(this.#sendOver === undefined)
          return true
        },
        closed: () => settle(false),
      }
    })
  }

  cork(): void {
    this.#corks++
    this.#outbox?.cork(true)
  }

  uncork(): void {
    if (this.#corks === 0 || --this.#corks > 0) return
    this.#outbox?.cork(false)
    if (this.#state !== 'closed' && this.#pending() > 0 && this.#sends.length === 0) this.#finishLater()
    else if (this.#sends.length > 0) this.#serve(WRITABLE)
  }

  async end(options: CallOptions = {}): Promise<void> {
    checkOptions(options)
    if (this.#state !== 'open') throw closedError(this.#context)
    if (this.#sendEnded) return
    this.#sendEnded = true
    this.#uncorkAll()
    await this.#flushed(options)
    if (this.#state === 'open') this.#endpoint.end()
  }

  /**
   * A lone send goes to the kernel at once. Whoever sends again before the promise could be seen to settle does not
   * wait for each: the rest of the turn is gathered and goes together. Looking costs a microtask, so who was alone
   * is looked at less and less often.
   */
  #lookForMore(): void {
    if (this.#inTurn || this.#pause-- > 0) return
    this.#inTurn = true
    SENT.then(this.#endTurn)
  }

  readonly #endTurn = () => {
    this.#inTurn = false
    this.#nextPause = this.#gathering ? 0 : Math.min(2 * this.#nextPause + 1, LONGEST_PAUSE)
    this.#pause = this.#nextPause
    this.#publish()
  }

  /** Joins the batch at the end of the queue, or begins one. */
  #gather(data: Uint8Array): Promise<void> {
    const last = this.#sends[this.#sends.length - 1]
    let batch = last instanceof SendBatch && !last.full ? last : undefined
    if (batch === undefined) {
      this.#batchHost ??= this.#makeBatchHost()
      batch = new SendBatch(this.#batchHost)
      if (this.#sends.length === 0) this.#gathering = this.#corks === 0
      this.#sends.push(batch)
    }
    this.#queued += costOf(data)
    batch.add(data)
    if (batch.full && this.#sends[0] === batch) {
      this.#gathering = false
      this.#serve(WRITABLE)
    }
    return batch.sent
  }

  /** Does not wait for the end of the turn. */
  #publish(): void {
    if (!this.#gathering) return
    this.#gathering = false
    this.#serve(WRITABLE)
  }

  #makeBatchHost(): BatchHost {
    const corked = () => this.#corks > 0
    return {
      gather: (on) => this.#outbox?.cork(on || corked()),
      put: (data) => this.#put(data, 0),
      flush: () => this.#flush(),
      unqueue: (bytes) => {
        this.#queued -= bytes
      },
      get corked() {
        return corked()
      },
      errorOf: this.#errorOf,
    }
  }

  /** As `Outbox.flush`, with what it tells kept. */
  #flush(): number {
    const n = this.#outbox?.flush() ?? 0
    return n < 0 ? this.#putResult(n) : n
  }

  /** Whether so much more may be queued. */
  #fits(cost: number): boolean {
    return this.#queued === 0 || this.#queued + cost <= this.#maxQueuedBytes
  }

  /** The one place where bytes go to the endpoint. */
  #put(data: Uint8Array, priority: number): number {
    if (this.#sendOver !== undefined) return this.#sendOver
    if (this.#peerLost) return Result.PEER_GONE
    return this.#putResult(this.#endpoint.trySend(data, priority))
  }

  /** The same where this thread may wait: WOULD_BLOCK does not mean that the time is over. */
  #putSync(data: Uint8Array, deadline: number | undefined): number {
    const endpoint = this.#endpoint
    if (endpoint.sendSync === undefined || this.#sendOver !== undefined || this.#peerLost) return this.#put(data, 0)
    return this.#putResult(endpoint.sendSync(data, leftUntil(deadline)))
  }

  #putResult(n: number): number {
    if (n < 0 && n !== Result.WOULD_BLOCK && n !== Result.PAYLOAD_SIZE) {
      if (n === Result.FAILED) this.#failure = this.#endpoint.error
      else this.#sendOver = n
    }
    return n
  }

  #refuseSend(data: Uint8Array): number | undefined {
    if (this.#state !== 'open' || this.#sendEnded) return Result.CLOSED
    if (data.length < this.#shortest || data.length > this.#longest) return Result.PAYLOAD_SIZE
    if (this.#sendOver !== undefined) return this.#sendOver
    if (this.#peerLost) return Result.PEER_GONE
    return undefined
  }

  #pending(): number {
    return this.#outbox === undefined ? 0 : this.#outbox.pendingBytes
  }

  #queueSend(data: Uint8Array, priority: number, options: CallOptions, begun = false): Promise<void> {
    let cost = begun ? 0 : costOf(data)
    if (!this.#fits(cost))
      return Promise.reject(
        new IpcError(
          'ERR_IPC_FULL',
          `${this.#queued} bytes are queued and maxQueuedBytes is ${this.#maxQueuedBytes}; await earlier sends`,
          this.#context,
        ),
      )
    this.#queued += cost
    const unqueue = () => {
      this.#queued -= cost
      cost = 0
    }
    let rest = data
    let accepted = begun && this.framing === 'message'
    const sent = this.#wait<void>(this.#sends, options, (settle, fail) => {
      const waiting = {
        undoable: !begun,
        attempt: () => {
          if (!accepted) {
            const n = this.#put(rest, priority)
            if (n === Result.WOULD_BLOCK) return false
            if (n < 0) {
              fail(this.#sendError(n, rest))
              return true
            }
            waiting.undoable = false
            if (this.framing === 'stream' && n < rest.length) {
              rest = rest.subarray(n)
              return false
            }
            accepted = true
            unqueue()
          }
          if (this.#pending() > 0) {
            if (this.#corks > 0) return false
            const n = this.#flush()
            if (n === Result.WOULD_BLOCK) return false
            if (n < 0) {
              fail(this.#sendError(n, rest))
              return true
            }
          }
          settle()
          return true
        },
      }
      return waiting
    })
    sent.then(unqueue, unqueue)
    return sent
  }

  /** Sends what a call that has returned left, here and in the outbox, in the queue's order. */
  #finishLater(rest: Uint8Array = NOTHING): void {
    let left = rest
    this.#wait<void>(this.#sends, {}, (settle) => ({
      undoable: false,
      rest: true,
      attempt: () => {
        if (this.#corks > 0) return false
        while (left.length > 0) {
          const n = this.#put(left, 0)
          if (n === Result.WOULD_BLOCK) return false
          left = n < 0 ? NOTHING : left.subarray(n) // the next send tells of a failure
        }
        if (this.#flush() === Result.WOULD_BLOCK) return false
        settle()
        return true
      },
    })).catch(() => {}) // a closed channel: those who sent were told
  }

  async #flushed(options: CallOptions): Promise<void> {
    if (this.#sends.length === 0 && this.#pending() === 0) return
    await this.#wait<void>(this.#sends, options, (settle) => ({
      undoable: true,
      attempt: () => {
        if (this.#sendOver === undefined && this.#failure === undefined && !this.#peerLost && this.#outbox?.flush() === Result.WOULD_BLOCK)
          return false
        settle()
        return true
      },
    }))
  }

  #uncorkAll(): void {
    this.#corks = 0
    this.#outbox?.cork(false)
  }

  #checkPriority(priority = 0): number {
    if (priority === 0) return priority
    if (!this.capabilities.priority) throw new TypeError(`${this.adapter} has no priorities`)
    const highest = this.#endpoint.maxPriority ?? 0
    if (Number.isInteger(priority) && priority > 0 && priority <= highest) return priority
    throw new RangeError(`priority must be 0 to ${highest}, not ${priority}`)
  }

  #sendError(result: number, data: Uint8Array): Error {
    if (result === Result.PAYLOAD_SIZE) {
      const { min, max } = this.capabilities.payload
      const limits = min === max ? `exactly ${max}` : `${min} to ${max}`
      return new IpcError(
        'ERR_IPC_PAYLOAD_SIZE',
        `a message has ${limits} bytes here, not ${data.length}; fragmented() carries any size`,
        this.#context,
      )
    }
    return this.#errorOf(result)
  }

  readonly #errorOf = (result: number): Error => {
    if (result === Result.CLOSED && this.#reason !== undefined) return this.#reason
    if (result === Result.FAILED) return this.#failure ?? this.#endpoint.error ?? resultError(result, this.#context)
    return resultError(result, this.#context)
  }

  // ---- receiving --------------------------------------------------------------------------------

  receive(options: CallOptions = NO_OPTIONS): Promise<Bytes | null> {
    return this.#receive(options, this.#takesBytes)
  }

  receiveMessage(options: CallOptions = NO_OPTIONS): Promise<Message | null> {
    return this.#receive(options, () => {
      const data = this.#takeBytes(NO_WAIT)
      if (data === null || typeof data === 'number') return data
      return { data, priority: this.#endpoint.lastPriority ?? 0, from: this.#endpoint.lastFrom ?? this.peer }
    })
  }

  receiveInto(target: Uint8Array, options: CallOptions = NO_OPTIONS): Promise<number> {
    checkBytes(target)
    const answered = this.#answeredNow(target, options)
    if (answered !== undefined) return answered
    return this.#receive(options, () => {
      const n = this.#take(target, NO_WAIT)
      return isAnswer(n) ? { answer: n } : n
    }).then((taken) => taken.answer)
  }

  /** The same promise again where the same answer comes again: what is there already costs no memory. */
  #answeredNow(target: Uint8Array, options: CallOptions): Promise<number> | undefined {
    if (options !== NO_OPTIONS || this.#receives.length > 0) return undefined
    let n = this.#take(target, NO_WAIT)
    if (n === Result.WOULD_BLOCK && this.#endpoint.linger?.(READABLE)) n = this.#take(target, NO_WAIT)
    if (!isAnswer(n)) return undefined
    if (n !== this.#answer) {
      this.#answer = n
      this.#answered = Promise.resolve(n)
    }
    return this.#answered
  }

  tryReceiveInto(target: Uint8Array): number {
    checkBytes(target)
    if (this.#receives.length > 0) return this.#state === 'open' ? Result.BUSY : Result.CLOSED
    this.#publish()
    return this.#take(target, NO_WAIT)
  }

  async waitReadable(options: CallOptions = {}): Promise<boolean> {
    checkOptions(options)
    if (this.#state !== 'open') return false
    return this.#wait(this.#receives, options, (settle) => {
      let waited = false
      return {
        undoable: true,
        attempt: () => {
          // A probe would take the message; what needs no probe is already here.
          if (!waited && this.#receiveOver === undefined && !this.#peerLost && this.#endpoint.buffered !== true) {
            waited = true
            return false
          }
          settle(true)
          return true
        },
        closed: () => settle(false),
      }
    })
  }

  messages(options: CallOptions = NO_OPTIONS): AsyncIterableIterator<Bytes> {
    const take = () => {
      const data = this.#takeBytes(NO_WAIT)
      if (data !== null) return typeof data === 'number' ? data : { value: data, done: false as const }
      iterator.finish()
      return DONE
    }
    const iterator = new MessageIterator(() => this.#receive<IteratorResult<Bytes>>(options, take))
    return iterator
  }

  [Symbol.asyncIterator](): AsyncIterator<Bytes> {
    return this.messages()
  }

  #receive<T extends object | null>(options: CallOptions, take: () => T | number): Promise<T> {
    try {
      checkOptions(options)
      if (this.#receives.length === 0 && (this.#endpoint.drained !== true || !isEndless(options) || this.#mustTell())) {
        let taken = take()
        if (taken === Result.WOULD_BLOCK && this.#endpoint.linger?.(READABLE)) taken = take()
        if (typeof taken !== 'number') return Promise.resolve(taken)
        if (taken !== Result.WOULD_BLOCK) return Promise.reject(this.#errorOf(taken))
      }
      return new Promise((resolve, reject) => {
        const waiting = new WaitingReceive(take, this.#errorOf, resolve, reject)
        this.#receives.push(waiting)
        this.#limit(this.#receives, waiting, options)
        this.#watch()
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Something else than a message is to be told. */
  #mustTell(): boolean {
    return this.#state === 'closed' || this.#receiveOver !== undefined || this.#peerLost
  }

  /** The one place where bytes come from the endpoint. This thread may wait for `waitMs`; WOULD_BLOCK does not mean that it did. */
  #take(target: Uint8Array, waitMs: number): number {
    if (this.#state === 'closed') return Result.CLOSED
    if (this.#receiveOver !== undefined) return this.#receiveOver
    const endpoint = this.#endpoint
    const n =
      waitMs === NO_WAIT || this.#peerLost || endpoint.receiveSync === undefined
        ? endpoint.tryReceiveInto(target)
        : endpoint.receiveSync(target, waitMs)
    if (n >= 0 || n === Result.TARGET_SIZE) return n
    if (n === Result.WOULD_BLOCK) {
      if (!this.#peerLost) return n
      this.#receiveOver = Result.PEER_GONE
      return Result.PEER_GONE
    }
    if (n === Result.FAILED) this.#failure = this.#endpoint.error
    this.#receiveOver = n
    return n
  }

  #takeBytes(waitMs: number): Bytes | null | number {
    if (this.#receiveOver === undefined && this.#state !== 'closed') {
      const message = this.#endpoint.takeBuffered?.()
      if (message !== undefined) return message
    }
    if (this.#large !== undefined) return this.#takeLarge(this.#large, waitMs)
    this.#scratch ??= new Uint8Array(Math.min(SCRATCH_BYTES, this.framing === 'stream' ? SCRATCH_BYTES : this.capabilities.payload.max))
    const n = this.#take(this.#scratch, waitMs)
    if (n >= LARGE_BYTES && this.framing === 'message') this.#large = uninitialized(n)
    if (n >= 0) return this.#scratch.slice(0, n)
    if (n === Result.END) return null
    return n === Result.TARGET_SIZE ? this.#takeWhole() : n
  }

  /** After a large message: the next is likely to be as large, and is received where it stays. */
  #takeLarge(large: Bytes, waitMs: number): Bytes | null | number {
    const n = this.#take(large, waitMs)
    if (n === large.length) {
      this.#large = uninitialized(n)
      return large
    }
    if (n === Result.END) return null
    if (n === Result.TARGET_SIZE) return this.#takeWhole()
    if (n < 0) return n
    if (n < LARGE_BYTES) this.#large = undefined
    return large.slice(0, n)
  }

  #takeWhole(): Bytes | number {
    const whole = uninitialized(this.#endpoint.nextLength ?? 0)
    const n = this.#take(whole, NO_WAIT)
    return n >= 0 ? whole : n
  }

  // ---- waiting ----------------------------------------------------------------------------------

  #wait<T>(
    queue: Waiting[],
    options: CallOptions,
    make: (settle: (value: T) => void, fail: (error: unknown) => void) => Omit<Waiting, 'fail' | 'stop'>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (value: T) => {
        waiting.stop()
        resolve(value)
      }
      const fail = (error: unknown) => {
        waiting.stop()
        reject(error)
      }
      const waiting: Waiting = Object.assign(make(settle, fail), { fail, stop: nothing })
      if (queue.length === 0 && waiting.attempt()) return
      queue.push(waiting)
      this.#limit(queue, waiting, options)
      this.#watch()
    })
  }

  /** Abort and timeout take a call that waits out of its queue. */
  #limit(queue: Waiting[], waiting: Waiting, options: CallOptions): void {
    if (isEndless(options)) return
    waiting.stop = limit(options, this.#context, (reason) => {
      if (!waiting.undoable) return
      const at = queue.indexOf(waiting)
      if (at < 0) return
      queue.splice(at, 1)
      waiting.fail(reason)
      this.#serveIfUnblocked(queue, at)
    })
  }

  /** The head of a queue gave up: whoever is next may not need to wait at all. */
  #serveIfUnblocked(queue: Waiting[], at: number): void {
    if (at === 0 && queue.length > 0) this.#serve(queue === this.#sends ? WRITABLE : READABLE)
    else this.#watch()
  }

  #serve(ready: number): void {
    if (ready & READABLE) drain(this.#receives)
    if (ready & WRITABLE) drain(this.#sends)
    this.#watch()
  }

  #watch(): void {
    if (this.#state === 'closed') return
    const wanted =
      (this.#receives.length > 0 ? READABLE : 0) | (this.#sends.length > 0 && this.#corks === 0 && !this.#gathering ? WRITABLE : 0)
    if (wanted === 0 && this.#wanted === 0) return
    this.#wanted = wanted
    this.#endpoint.watch(wanted)
  }

  // ---- closing ----------------------------------------------------------------------------------

  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CallOptions): Promise<void> {
    if (this.#state === 'closed') return
    checkTimeout(options.timeout)
    this.#state = 'closing'
    this.#uncorkAll()
    let failure: unknown
    try {
      await this.#flushed(options)
    } catch (error) {
      failure = error
    }
    if ((this.#state as string) === 'closed') return
    if (failure === undefined && !this.#sendEnded) this.#endpoint.end()
    this.#release(failure instanceof Error ? failure : undefined)
    if (failure !== undefined) throw failure
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed') return
    this.#release(reason ?? closedError(this.#context))
  }

  #release(reason: Error | undefined): void {
    this.#state = 'closed'
    this.#reason = reason
    this.#keepAlive.hold(false)
    this.#endpoint.close()
    const error = reason ?? closedError(this.#context)
    for (const queue of [this.#sends, this.#receives])
      for (const waiting of queue.splice(0)) {
        if (waiting.closed === undefined) waiting.fail(error)
        else waiting.closed()
      }
    this.#scratch = undefined
    this.#large = undefined
    this.#settleClosed(reason)
    this.#onClosed?.()
  }

  /** The rendezvous learned, outside the mechanism, that the peer is gone. What it sent is still read first. */
  peerLost(): void {
    if (this.#state === 'closed' || this.#peerLost || this.capabilities.end === 'kernel') return
    if (this.#endpoint.peerLost !== undefined) {
      this.#endpoint.peerLost()
      return
    }
    // A thread that waits gives it up; what it has obtained by then is received first.
    this.#endpoint.watch(0)
    this.#wanted = 0
    this.#peerLost = true
    this.#serve(READABLE | WRITABLE)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ---- facets -----------------------------------------------------------------------------------

  get sync(): SyncFacet | undefined {
    if (!this.capabilities.sync || this.#endpoint.waitSync === undefined) return undefined
    this.#sync ??= this.#makeSync()
    return this.#sync
  }

  /** Apart from the getter, which would make a context for its closures at every call. */
  #makeSync(): SyncFacet {
    return {
      send: (data, options) => this.#sendSync(data, options),
      receive: (options) => {
        const deadline = this.#beginReceiveSync(options)
        for (;;) {
          const taken = this.#takeBytes(leftUntil(deadline))
          if (typeof taken !== 'number') return taken
          this.#waitSync(taken, deadline, options)
        }
      },
      receiveInto: (target, options) => {
        checkBytes(target)
        const deadline = this.#beginReceiveSync(options)
        for (;;) {
          const n = this.#take(target, leftUntil(deadline))
          if (isAnswer(n)) return n
          this.#waitSync(n, deadline, options)
        }
      },
    }
  }

  #sendSync(data: Uint8Array, options: Timeout = NO_OPTIONS): void {
    checkBytes(data)
    checkTimeout(options.timeout)
    const refused = this.#refuseSend(data)
    if (refused !== undefined) throw this.#sendError(refused, data)
    const deadline = deadlineOf(options)
    this.#publish()
    if (this.#sends.length > 0) this.#sendRests(deadline, options)
    let rest = data
    for (;;) {
      const n = this.#putSync(rest, deadline)
      if (n >= 0 && (this.framing === 'message' || n === rest.length)) break
      if (n >= 0) rest = rest.subarray(n)
      else if (n !== Result.WOULD_BLOCK) throw this.#sendError(n, data)
      else if (!this.#blockOn(WRITABLE, deadline)) {
        if (rest === data) throw timeoutError(options.timeout ?? 0, this.#context)
        this.#finishLater(rest.slice())
        return
      }
    }
    while (this.#pending() > 0 && this.#corks === 0) {
      const n = this.#outbox?.flush() ?? 0
      if (n < 0 && n !== Result.WOULD_BLOCK) throw this.#sendError(n, data)
      if (n === Result.WOULD_BLOCK && !this.#blockOn(WRITABLE, deadline)) {
        this.#outbox?.own()
        this.#finishLater()
        return
      }
    }
  }

  /** What calls that have returned left goes first; for calls that still wait the event loop must run. */
  #sendRests(deadline: number | undefined, options: Timeout): void {
    while (this.#sends.length > 0) {
      if (this.#corks > 0 || this.#sends.some((waiting) => waiting.rest !== true)) throw this.#errorOf(Result.BUSY)
      drain(this.#sends)
      if (this.#sends.length > 0 && !this.#blockOn(WRITABLE, deadline)) throw timeoutError(options.timeout ?? 0, this.#context)
    }
  }

  #beginReceiveSync(options: Timeout = NO_OPTIONS): number | undefined {
    checkTimeout(options.timeout)
    this.#publish()
    if (this.#receives.length > 0) throw this.#errorOf(Result.BUSY)
    return deadlineOf(options)
  }

  /** After `result`: returns where another try may succeed. */
  #waitSync(result: number, deadline: number | undefined, options: Timeout = NO_OPTIONS): void {
    if (result !== Result.WOULD_BLOCK) throw this.#errorOf(result)
    if (!this.#blockOn(READABLE, deadline)) throw timeoutError(options.timeout ?? 0, this.#context)
  }

  /** Waits on this thread: false where the time was over first. */
  #blockOn(interest: number, deadline: number | undefined): boolean {
    const left = leftUntil(deadline)
    const came = left === NO_WAIT ? 0 : (this.#endpoint.waitSync?.(interest, left) ?? 0)
    return came !== 0 || deadline === undefined || performance.now() < deadline
  }

  get zeroCopy(): ZeroCopyFacet | undefined {
    const raw = this.#endpoint.zeroCopy
    if (!this.capabilities.zeroCopy || raw === undefined) return undefined
    this.#zeroCopy ??= this.#makeZeroCopy(raw)
    return this.#zeroCopy
  }

  #makeZeroCopy(raw: RawZeroCopy): ZeroCopyFacet {
    return new ZeroCopy(raw, {
      context: this.#context,
      refuseSend: (length) =>
        this.#state !== 'open' || this.#sendEnded
          ? Result.CLOSED
          : length > this.capabilities.payload.max
            ? Result.PAYLOAD_SIZE
            : this.#peerLost
              ? Result.PEER_GONE
              : this.#sends.length > 0
                ? Result.BUSY
                : undefined,
      refuseReceive: () => (this.#state === 'closed' ? Result.CLOSED : this.#receives.length > 0 ? Result.BUSY : undefined),
      waitWritable: (options) => this.waitWritable(options),
      waitReadable: (options) => this.waitReadable(options),
      errorOf: (result) => this.#errorOf(result),
    })
  }
}

const nothing = () => {}

/** A receive that waits: nothing is allocated for it but this. */
class WaitingReceive<T extends object | null> implements Waiting {
  readonly undoable = true
  stop: () => void = nothing
  readonly #take: () => T | number
  readonly #errorOf: (result: number) => Error
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void

  constructor(take: () => T | number, errorOf: (result: number) => Error, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#take = take
    this.#errorOf = errorOf
    this.#resolve = resolve
    this.#reject = reject
  }

  attempt(): boolean {
    const taken = this.#take()
    if (taken === Result.WOULD_BLOCK) return false
    if (typeof taken === 'number') this.fail(this.#errorOf(taken))
    else {
      this.stop()
      this.#resolve(taken)
    }
    return true
  }

  fail(error: unknown): void {
    this.stop()
    this.#reject(error)
  }
}

function drain(queue: Waiting[]): void {
  for (let head = queue[0]; head !== undefined; head = queue[0]) {
    if (!head.attempt()) return
    // A call that settled may have closed the channel, which empties the queue.
    if (queue[0] === head) queue.shift()
  }
}

/** What `receiveInto` answers; everything else is an error, or no answer yet. */
const isAnswer = (n: number): boolean => n >= 0 || n === Result.END || n === Result.TARGET_SIZE

function checkBytes(data: Uint8Array): void {
  if (!(data instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, not ${data === null ? 'null' : typeof data}`)
}

const deadlineOf = (options: Timeout): number | undefined =>
  options.timeout === undefined ? undefined : performance.now() + options.timeout

/** Milliseconds, as native calls take them. */
const leftUntil = (deadline: number | undefined): number => (deadline === undefined ? NO_LIMIT : Math.max(0, deadline - performance.now()))

const isEndless = (options: CallOptions): boolean => options.timeout === undefined && options.signal === undefined

/** Memory that is about to be filled whole. */
const uninitialized = (length: number): Bytes => new Uint8Array(Buffer.allocUnsafeSlow(length).buffer as ArrayBuffer)

const DONE: IteratorResult<Bytes> = Object.freeze({ value: undefined, done: true })

/** Leaving a loop ends the iterator, never the channel. */
class MessageIterator implements AsyncIterableIterator<Bytes> {
  readonly #receive: () => Promise<IteratorResult<Bytes>>
  #done = false

  constructor(receive: () => Promise<IteratorResult<Bytes>>) {
    this.#receive = receive
  }

  next(): Promise<IteratorResult<Bytes>> {
    return this.#done ? Promise.resolve(DONE) : this.#receive()
  }

  /** The channel's end, which no later state of the channel changes for who iterates. */
  finish(): void {
    this.#done = true
  }

  return(): Promise<IteratorResult<Bytes>> {
    this.#done = true
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Bytes> {
    return this
  }
}
