/** Messages over file descriptors that keep them apart: datagrams, sequenced packets, packets of pipes. */
import { constants } from 'node:os'
import { native } from '../native/index.js'
import type { Outbox } from './adapter.js'
import { Result } from './channel.js'
import { DescriptorEndpoint, NO_WAIT, waits } from './descriptor-endpoint.js'
import { check, type ErrorContext, IpcError } from './errors.js'
import { LongViews, loadLongs } from './long-views.js'

const { EMSGSIZE, ENODATA, EOVERFLOW } = constants.errno

/** What the addon tells of messages that have come, and where a short one is handed to it: native/message.c. */
const SLOTS = 16
const Told = { FIRST: 0, LAST: 1, TAKEN: 2, DRAINED: 3, SIZE: 4, WAITS: 5, RESULT: 6, SLOT: 8 } as const
const Slot = { LENGTH: 0, CREDENTIALS: 1, PID: 2, UID: 3, WORDS: 4 } as const
const STAGE = 4 * (Told.SLOT + SLOTS * Slot.WORDS)
const STAGED_BYTES = 64
const SEEN = STAGE + STAGED_BYTES
const SEEN_BYTES = 128
const TOLD_BYTES = SEEN + SLOTS * SEEN_BYTES
/** A corked batch of this size is published without waiting for `uncork`. */
const BATCH_BYTES = 64 * 1024
const LENGTH_BYTES = 4
const LONGEST_MS = 2 ** 31 - 1
/** Up to this length a copy costs less than a system call. */
const GATHERED_BYTES = 4 * 1024

export interface MessageOptions {
  /** Nothing but messages from this address, as the kernel writes it. */
  readonly only?: Uint8Array
  /** No messages from this address. */
  readonly except?: Uint8Array
  /** What errors name. */
  readonly syscalls?: { readonly receive: string; readonly send: string }
}

const OF_SOCKETS = { receive: 'recvmsg', send: 'send' } as const

/**
 * Messages over one descriptor, or over one a direction. One system call brings what is there; a message that
 * does not fit the target is kept for the next receive. What was sent before an error is handed over before
 * the error.
 */
export class MessageEndpoint extends DescriptorEndpoint {
  readonly outbox: Outbox
  readonly #messages: number
  readonly #told = new Int32Array(TOLD_BYTES / 4)
  readonly #stage = new Uint8Array(this.#told.buffer, STAGE, STAGED_BYTES)
  readonly #seen = new BigInt64Array(this.#told.buffer, SEEN)
  readonly #seenBytes = new Uint8Array(this.#told.buffer, SEEN)
  readonly #targets = new LongViews()
  readonly #errors: ErrorContext
  readonly #batch: MessageBatch
  readonly #syscalls: { readonly receive: string; readonly send: string }

  constructor(readFd: number, writeFd: number, errors: ErrorContext, { only, except, syscalls = OF_SOCKETS }: MessageOptions = {}) {
    super(readFd, writeFd, errors)
    this.#errors = errors
    this.#syscalls = syscalls
    const opened = native.messageOpen(readFd, writeFd, this.#told, only ?? except, only === undefined ? 0 : 1)
    this.#messages = check(opened, 'getsockopt', errors)
    this.#batch = new MessageBatch((batch, from, to) => this.#sent(native.messageSendBatch(this.#messages, batch, from, to)))
    this.outbox = this.#batch
  }

  // ---- sending ----------------------------------------------------------------------------------

  trySend(data: Uint8Array): number {
    return this.sendSync(data, NO_WAIT)
  }

  sendSync(data: Uint8Array, waitMs: number): number {
    if (this.writeFd < 0) return Result.CLOSED
    if (this.#batch.takesPart) {
      const taken = this.#batch.send(data)
      if (taken !== 0) return taken < 0 ? taken : data.length
    }
    if (data.length > STAGED_BYTES) return this.#sent(native.messageSend(this.#messages, data, waits(waitMs)))
    const told = this.#told
    this.#stage.set(data)
    told[Told.SIZE] = data.length
    told[Told.WAITS] = waits(waitMs)
    native.messageSendStaged(this.#messages)
    return this.#sent(told[Told.RESULT] as number)
  }

  #sent(n: number): number {
    return n >= 0 ? n : this.result(n, this.#syscalls.send)
  }

  /** Nothing tells the peer of an end, unless a subclass knows how; nothing is held back either. */
  end(): void {}

  // ---- receiving --------------------------------------------------------------------------------

  /** The length of the message behind the last TARGET_SIZE. */
  get nextLength(): number {
    return this.#of(this.#told[Told.FIRST] as number, Slot.LENGTH)
  }

  get buffered(): boolean {
    const told = this.#told
    return (told[Told.FIRST] as number) < (told[Told.LAST] as number)
  }

  get drained(): boolean {
    return this.#told[Told.DRAINED] === 1 && !this.buffered
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.receiveSync(target, NO_WAIT)
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    const limit = waitMs > 0 ? Math.min(Math.ceil(waitMs), LONGEST_MS) : waitMs
    const longs = this.#targets.of(target)
    if (longs.length > 0) {
      const n = this.#receiveShort(target, longs, limit)
      if (n !== undefined) return n
    }
    const n = native.messageReceive(this.#messages, target, limit)
    return n >= 0 ? n : this.#failed(n)
  }

  /** A message that can be seen whole is copied without a call; `undefined` where the next one is none. */
  #receiveShort(target: Uint8Array, longs: BigInt64Array, waitMs: number): number | undefined {
    const told = this.#told
    let slot = told[Told.FIRST] as number
    if (slot === told[Told.LAST]) {
      if (this.#of(0, Slot.LENGTH) > SEEN_BYTES) return undefined
      told[Told.WAITS] = waitMs
      native.messageFetch(this.#messages)
      const error = told[Told.RESULT] as number
      if (error < 0) return this.#failed(error)
      slot = told[Told.FIRST] as number
      if (slot === told[Told.LAST]) return undefined
    }
    const length = this.#of(slot, Slot.LENGTH)
    if (length < 0 || length > SEEN_BYTES || length > target.length) return undefined
    const start = slot * SEEN_BYTES
    loadLongs(this.#seen, start >> 3, longs, length >> 3)
    for (let i = length & ~7; i < length; i++) target[i] = this.#seenBytes[start + i] as number
    told[Told.FIRST] = slot + 1
    told[Told.TAKEN] = slot
    return length
  }

  #failed(n: number): number {
    if (n === -EMSGSIZE) return Result.TARGET_SIZE
    if (n === -ENODATA) return Result.END
    if (n !== -EOVERFLOW) return this.result(n, this.#syscalls.receive)
    this.error = new IpcError('ERR_IPC_PROTOCOL', 'a message came that is longer than any that can be received, and was cut', this.#errors)
    return Result.FAILED
  }

  /** The credentials that the kernel attached to the message taken last. */
  protected credentials(): { pid: number; uid: number } | undefined {
    const slot = this.#told[Told.TAKEN] as number
    if (this.#of(slot, Slot.CREDENTIALS) !== 1) return undefined
    return { pid: this.#of(slot, Slot.PID), uid: this.#of(slot, Slot.UID) >>> 0 }
  }

  /** The address from which the message taken last came, as the kernel writes it: its length. */
  protected senderInto(address: Uint8Array): number {
    return native.messageSender(this.#messages, this.#told[Told.TAKEN] as number, address)
  }

  #of(slot: number, word: number): number {
    return this.#told[Told.SLOT + slot * Slot.WORDS + word] as number
  }

  override close(): void {
    super.close()
    native.messageClose(this.#messages)
  }
}

/** Corked messages, each behind its length. */
class MessageBatch implements Outbox {
  readonly gathers = GATHERED_BYTES
  readonly #give: (batch: Uint8Array, from: number, to: number) => number
  #bytes = new Uint8Array(0)
  #words = new DataView(this.#bytes.buffer)
  #first = 0
  #last = 0
  #corked = false

  constructor(give: (batch: Uint8Array, from: number, to: number) => number) {
    this.#give = give
  }

  get pendingBytes(): number {
    return this.#last - this.#first
  }

  /** Whether a message must pass through here: more are to come, or some wait. */
  get takesPart(): boolean {
    return this.#corked || this.#last > this.#first
  }

  /** More than 0 where it was taken; 0 where nothing is in its way any more; else a `Result`. */
  send(data: Uint8Array): number {
    const total = LENGTH_BYTES + data.length
    if (!this.#corked || total > BATCH_BYTES || this.#last + total > BATCH_BYTES) {
      const flushed = this.flush()
      if (flushed < 0 || !this.#corked || total > BATCH_BYTES) return flushed
    }
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(BATCH_BYTES)
      this.#words = new DataView(this.#bytes.buffer)
    }
    this.#words.setUint32(this.#last, data.length, LITTLE_ENDIAN)
    this.#bytes.set(data, this.#last + LENGTH_BYTES)
    this.#last += total
    return total
  }

  flush(): number {
    while (this.#first < this.#last) {
      const n = this.#give(this.#bytes, this.#first, this.#last)
      if (n < 0) return n
      this.#first += n
    }
    this.#first = 0
    this.#last = 0
    return 0
  }

  /** Everything here is a copy. */
  own(): void {}

  cork(on: boolean): void {
    this.#corked = on
  }
}

/** The addon reads lengths as the processor has them. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
