/**
 * Messages of any size over a channel whose messages are small, down to one word of 4 bytes.
 *
 * On the wire a message is its length (4 bytes, little-endian) and then its bytes, cut into payloads as
 * large as the channel takes; where the channel takes nothing as short as the last one, zeros fill it up.
 * Each message begins a payload of its own.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { DEFAULT_MESSAGE_BYTES } from '../core/base-channel.js'
import { type Bytes, type CallOptions, type Channel, Result } from '../core/channel.js'
import { IpcError } from '../core/errors.js'
import { checkOptions } from '../core/wait.js'
import { requireEveryMessage } from './require-messages.js'

const HEADER_BYTES = 4
/** Where a channel takes more, nothing is gained by it. */
const LARGEST_FRAGMENT = 64 * 1024
/** After so many bytes without a wait the event loop gets a turn: a long message must not keep everything else. */
const BURST_BYTES = 1024 * 1024

export interface FragmentedOptions {
  /** The longest message sent or accepted, in bytes. Default 64 MiB. */
  maxMessageBytes?: number
}

/** Whole messages over a channel that takes them in parts only. Nothing else may send or receive on that channel. */
export interface FragmentedChannel extends AsyncIterable<Bytes>, AsyncDisposable {
  readonly channel: Channel
  readonly maxMessageBytes: number
  /**
   * Settles when the channel has taken the last part; until then the buffer is borrowed. Messages are sent
   * one after the other. Aborting takes effect only before the first part.
   * @throws as `Sender.send`
   */
  send(data: Uint8Array, options?: CallOptions): Promise<void>
  /**
   * The next message, owned by the caller; `null` at the end. What arrived of a message while its receive
   * was aborted stays for the next.
   * @throws ERR_IPC_PROTOCOL on a malformed or too long message, ERR_IPC_PEER_GONE on an end inside one
   */
  receive(options?: CallOptions): Promise<Bytes | null>
  /** Ends the sending direction after the messages sent before. */
  end(options?: CallOptions): Promise<void>
  /** Flushes and closes the channel. */
  close(options?: CallOptions): Promise<void>
  /** Discards, and closes the channel. */
  destroy(reason?: Error): void
}

/**
 * Carries messages of any size over `channel`, which it owns from here. Both sides must be wrapped.
 *
 * @throws TypeError where parts could be lost or overtake each other, or where a payload has less than 4 bytes
 */
export function fragmented(channel: Channel, options: FragmentedOptions = {}): FragmentedChannel {
  requireEveryMessage(channel, 'fragmented')
  const { payload } = channel.capabilities
  if (payload.max < HEADER_BYTES) throw new TypeError(`${channel.adapter} carries ${payload.max} bytes; fragmented() needs at least 4`)
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1 || maxMessageBytes > 2 ** 32 - 1)
    throw new RangeError(`maxMessageBytes must be 1 to 4294967295, not ${maxMessageBytes}`)
  return new Fragments(channel, maxMessageBytes)
}

class Fragments implements FragmentedChannel {
  readonly channel: Channel
  readonly maxMessageBytes: number
  readonly #fragment: Bytes
  readonly #scratch: Bytes
  #sends: Promise<unknown> = Promise.resolve()
  #receives: Promise<unknown> = Promise.resolve()
  // The message under way: #assembled[0 .. #have) of #length bytes; -1 between messages.
  #assembled: Bytes = new Uint8Array(0)
  #have = 0
  #length = -1
  #failure: IpcError | undefined

  constructor(channel: Channel, maxMessageBytes: number) {
    this.channel = channel
    this.maxMessageBytes = maxMessageBytes
    this.#fragment = new Uint8Array(Math.min(channel.capabilities.payload.max, LARGEST_FRAGMENT))
    this.#scratch = new Uint8Array(LARGEST_FRAGMENT)
  }

  send(data: Uint8Array, options: CallOptions = {}): Promise<void> {
    if (!(data instanceof Uint8Array)) return Promise.reject(new TypeError(`expected a Uint8Array, not ${typeof data}`))
    if (data.length > this.maxMessageBytes)
      return Promise.reject(this.#error('ERR_IPC_PAYLOAD_SIZE', `${data.length} bytes; maxMessageBytes is ${this.maxMessageBytes}`))
    const sent = this.#sends.then(() => this.#send(data, options))
    this.#sends = sent.catch(() => {})
    return sent
  }

  async #send(data: Uint8Array, options: CallOptions): Promise<void> {
    checkOptions(options)
    const { min } = this.channel.capabilities.payload
    const fragment = this.#fragment
    new DataView(fragment.buffer).setUint32(0, data.length, true)
    let filled = HEADER_BYTES
    let taken = 0
    let rested = 0
    for (let first = true; first || taken < data.length; first = false) {
      const part = data.subarray(taken, taken + fragment.length - filled)
      fragment.set(part, filled)
      taken += part.length
      const used = filled + part.length
      const length = Math.max(used, min)
      fragment.fill(0, used, length)
      filled = 0
      const payload = fragment.subarray(0, length)
      // Without waiting while there is room: a promise for every word would cost more than the word.
      if (this.channel.trySend(payload) < 0) await this.channel.send(payload, first ? options : {})
      if (taken - rested < BURST_BYTES) continue
      rested = taken
      await turn()
    }
  }

  receive(options: CallOptions = {}): Promise<Bytes | null> {
    const received = this.#receives.then(() => this.#receive(options))
    this.#receives = received.catch(() => {})
    return received
  }

  async #receive(options: CallOptions): Promise<Bytes | null> {
    checkOptions(options)
    let rested = 0
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      let n = this.channel.tryReceiveInto(this.#scratch)
      if (n < 0) n = await this.channel.receiveInto(this.#scratch, options)
      if (n === Result.END) {
        if (this.#length < 0) return null
        throw this.#fail('ERR_IPC_PEER_GONE', `the peer ended after ${this.#have} of a message's ${this.#length} bytes`)
      }
      if (n < 0) throw this.#fail('ERR_IPC_PROTOCOL', `a part of a message is longer than ${LARGEST_FRAGMENT} bytes`)
      const message = this.#take(this.#scratch.subarray(0, n))
      if (message !== undefined) return message
      if (this.#have - rested < BURST_BYTES) continue
      rested = this.#have
      await turn()
    }
  }

  /** Adds one payload; the message, if that was its last. */
  #take(payload: Bytes): Bytes | undefined {
    const padded = payload.length === this.channel.capabilities.payload.min
    let rest = payload
    if (this.#length < 0) {
      if (payload.length < HEADER_BYTES) throw this.#fail('ERR_IPC_PROTOCOL', 'a message begins with less than its length')
      const length = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true)
      if (length > this.maxMessageBytes)
        throw this.#fail('ERR_IPC_PROTOCOL', `the peer announced ${length} bytes; maxMessageBytes is ${this.maxMessageBytes}`)
      this.#length = length
      this.#have = 0
      rest = payload.subarray(HEADER_BYTES)
    } else if (payload.length === 0) throw this.#fail('ERR_IPC_PROTOCOL', 'a part of a message is empty')
    const missing = this.#length - this.#have
    if (rest.length > missing && !padded) throw this.#fail('ERR_IPC_PROTOCOL', `${rest.length - missing} bytes more than announced`)
    const used = rest.subarray(0, missing)
    this.#reserve(this.#have + used.length)
    this.#assembled.set(used, this.#have)
    this.#have += used.length
    if (this.#have < this.#length) return undefined
    const message = this.#assembled.length === this.#length ? this.#assembled : this.#assembled.slice(0, this.#length)
    this.#assembled = new Uint8Array(0)
    this.#length = -1
    return message
  }

  /** Memory follows what has arrived, not what the peer announces. */
  #reserve(need: number): void {
    if (need <= this.#assembled.length) return
    const grown = new Uint8Array(Math.min(this.#length, Math.max(need, 2 * this.#assembled.length, LARGEST_FRAGMENT)))
    grown.set(this.#assembled.subarray(0, this.#have))
    this.#assembled = grown
  }

  #fail(code: 'ERR_IPC_PROTOCOL' | 'ERR_IPC_PEER_GONE', message: string): IpcError {
    this.#failure = this.#error(code, message)
    return this.#failure
  }

  #error(code: 'ERR_IPC_PROTOCOL' | 'ERR_IPC_PEER_GONE' | 'ERR_IPC_PAYLOAD_SIZE', message: string): IpcError {
    return new IpcError(code, message, { adapter: this.channel.adapter })
  }

  async end(options: CallOptions = {}): Promise<void> {
    await this.#sends
    await this.channel.end(options)
  }

  async close(options: CallOptions = {}): Promise<void> {
    await this.#sends
    await this.channel.close(options)
  }

  destroy(reason?: Error): void {
    this.channel.destroy(reason)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, void, undefined> {
    for (let message = await this.receive(); message !== null; message = await this.receive()) yield message
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
