/** Both directions of a hybrid, after its sides have met. */
import type { Bytes, CallOptions, Channel } from '../../core/channel.js'
import { closedError, IpcError, isIpcError } from '../../core/errors.js'
import { checkOptions, limit } from '../../core/wait.js'
import type { FragmentedChannel } from '../fragmented.js'
import { sendPatiently } from '../send-patiently.js'
import type { HybridChannel } from './index.js'
import { costOf, Lane, WINDOW_BYTES } from './lane.js'
import { violation } from './meet.js'
import { decodeRecord, encodeBody, encodeCredit, encodeEnd, encodeMessage, HEADER_BYTES } from './records.js'

/** From so many bytes on a message is a body. */
const BODY_BYTES = 8 * 1024
/** Credit is given back in portions, each a message. */
const PORTION_BYTES = WINDOW_BYTES / 4

interface Waiting {
  settle(message: Bytes | null): void
  fail(error: unknown): void
}

/** What waits in the ordinary lane. */
interface Unread {
  readonly cost: number
  /** A message, the length of a body that is in the ring or on its way there, or the end. */
  content: Bytes | number | null
}

export class Hybrid implements HybridChannel {
  readonly channel: Channel
  readonly maxMessageBytes: number
  readonly maxUrgentBytes: number
  readonly #bodies: FragmentedChannel
  readonly #ordinary: Lane
  readonly #urgent: Lane
  readonly #unread: Unread[] = []
  readonly #unreadUrgent: Bytes[] = []
  /** What unread records cost; more than the window is more than the peer may send. */
  readonly #cost = { ordinary: 0, urgent: 0 }
  /** What is read and was not given back yet. */
  readonly #due = { ordinary: 0, urgent: 0 }
  readonly #receives: Waiting[] = []
  #fetching = false
  /** The peer's end came. */
  #ended = false
  /** What receiving comes to after all that is here. */
  #over: { readonly error: unknown } | undefined
  #sendEnd: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(channel: Channel, bodies: FragmentedChannel) {
    this.channel = channel
    this.maxMessageBytes = bodies.maxMessageBytes
    this.maxUrgentBytes = Math.min(BODY_BYTES - 1, channel.capabilities.payload.max - HEADER_BYTES)
    this.#bodies = bodies
    const context = { adapter: channel.adapter }
    this.#ordinary = new Lane(context)
    this.#urgent = new Lane(context)
    channel.closed.then((reason) => bodies.destroy(reason)) // whoever closed it
    void this.#listen()
  }

  // ---- sending ----------------------------------------------------------------------------------

  async send(data: Uint8Array, { urgent = false, ...options }: CallOptions & { urgent?: boolean } = {}): Promise<void> {
    if (!(data instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, not ${data === null ? 'null' : typeof data}`)
    const longest = urgent ? this.maxUrgentBytes : this.maxMessageBytes
    if (data.length > longest)
      throw this.#error('ERR_IPC_PAYLOAD_SIZE', `${urgent ? 'an urgent' : 'a'} message has at most ${longest} bytes, not ${data.length}`)
    if (this.#sendEnd !== undefined) throw closedError({ adapter: this.channel.adapter })
    if (data.length <= this.maxUrgentBytes) {
      const lane = urgent ? this.#urgent : this.#ordinary
      return lane.send(costOf(data.length), () => sendPatiently(this.channel, encodeMessage(data, urgent)), options)
    }
    const transmit = async () => {
      await sendPatiently(this.channel, encodeBody(data.length))
      await this.#bodies.send(data).catch((error) => {
        this.#fail(error) // nothing can follow a header without its body
        throw error
      })
    }
    return this.#ordinary.send(costOf(0), transmit, options)
  }

  /** Both lanes are empty first: an end overtakes nothing. */
  async end(options: CallOptions = {}): Promise<void> {
    this.#sendEnd ??= this.#urgent
      .send(costOf(0), async () => {}, options)
      .then(() => this.#ordinary.send(costOf(0), () => sendPatiently(this.channel, encodeEnd()), options))
    await this.#sendEnd
  }

  // ---- receiving --------------------------------------------------------------------------------

  async receive(options: CallOptions = {}): Promise<Bytes | null> {
    checkOptions(options)
    let stop = () => {}
    try {
      return await new Promise<Bytes | null>((settle, fail) => {
        const waiting: Waiting = { settle, fail }
        stop = limit(options, { adapter: this.channel.adapter }, (reason) => {
          const at = this.#receives.indexOf(waiting)
          if (at < 0) return
          this.#receives.splice(at, 1)
          fail(reason)
        })
        this.#receives.push(waiting)
        this.#serve()
      })
    } finally {
      stop()
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, void, undefined> {
    for (let message = await this.receive(); message !== null; message = await this.receive()) yield message
  }

  /** Reads the control channel as long as there is one: what comes is bounded by credit. */
  async #listen(): Promise<void> {
    try {
      for await (const bytes of this.channel) this.#take(bytes)
      throw this.#error('ERR_IPC_PEER_GONE', this.#ended ? 'the peer is gone' : 'the peer left without an end')
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(bytes: Bytes): void {
    const record = decodeRecord(bytes)
    if (typeof record === 'string') throw violation(this.channel, record)
    switch (record.kind) {
      case 'message':
        this.#put(record.data)
        break
      case 'body':
        this.#put(record.length)
        break
      case 'end':
        this.#put(null)
        this.#ended = true
        break
      case 'urgent':
        this.#account('urgent', costOf(record.data.length))
        this.#unreadUrgent.push(record.data)
        break
      case 'credit':
        if (!this.#ordinary.grant(record.ordinary) || !this.#urgent.grant(record.urgent))
          throw violation(this.channel, 'it gives back more than it was sent')
        break
      default:
        throw violation(this.channel, `${record.kind} comes after the sides have met`)
    }
    this.#serve()
  }

  #put(content: Unread['content']): void {
    const cost = costOf(content instanceof Uint8Array ? content.length : 0)
    this.#account('ordinary', cost)
    this.#unread.push({ cost, content })
  }

  #account(lane: 'ordinary' | 'urgent', cost: number): void {
    if (this.#ended) throw violation(this.channel, 'it goes on behind its end')
    this.#cost[lane] += cost
    if (this.#cost[lane] > WINDOW_BYTES) throw violation(this.channel, 'it sends more than it has credit for')
  }

  #serve(): void {
    for (let waiting = this.#receives[0]; waiting !== undefined; waiting = this.#receives[0]) {
      const message = this.#next()
      if (message === undefined) return
      this.#receives.shift()
      if (message instanceof Uint8Array || message === null) waiting.settle(message)
      else waiting.fail(message.error)
    }
  }

  /** The next message, or what there is instead; undefined where it is still to come. */
  #next(): Bytes | null | { readonly error: unknown } | undefined {
    const urgent = this.#unreadUrgent.shift()
    if (urgent !== undefined) {
      this.#giveBack('urgent', costOf(urgent.length))
      return urgent
    }
    const head = this.#unread[0]
    if (head === undefined) return this.#over
    const { content, cost } = head
    if (content === null) return null
    if (typeof content === 'number') {
      void this.#fetch(head, content)
      return undefined
    }
    this.#unread.shift()
    this.#giveBack('ordinary', cost)
    return content
  }

  /** Puts the body in the place of its length. */
  async #fetch(head: Unread, length: number): Promise<void> {
    if (this.#fetching) return
    this.#fetching = true
    try {
      const body = await this.#bodies.receive()
      if (body === null) throw this.#error('ERR_IPC_PEER_GONE', 'the peer left inside a message')
      if (body.length !== length) throw violation(this.channel, `it announced ${length} bytes and sent ${body.length}`)
      head.content = body
    } catch (error) {
      this.#unread.length = 0
      this.#fail(error)
    } finally {
      this.#fetching = false
    }
    this.#serve()
  }

  #giveBack(lane: 'ordinary' | 'urgent', cost: number): void {
    this.#cost[lane] -= cost
    this.#due[lane] += cost
    const { ordinary, urgent } = this.#due
    if (ordinary < PORTION_BYTES && urgent < PORTION_BYTES) return
    this.#due.ordinary = 0
    this.#due.urgent = 0
    sendPatiently(this.channel, encodeCredit(ordinary, urgent)).catch(() => {}) // who is gone needs none
  }

  #fail(error: unknown): void {
    this.#over ??= { error }
    this.#ordinary.end(error)
    this.#urgent.end(error)
    this.#serve()
  }

  #error(code: 'ERR_IPC_PEER_GONE' | 'ERR_IPC_PAYLOAD_SIZE', message: string): IpcError {
    return new IpcError(code, message, { adapter: this.channel.adapter })
  }

  // ---- closing ----------------------------------------------------------------------------------

  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CallOptions): Promise<void> {
    try {
      await this.end(options)
    } catch (error) {
      // Nothing is left to be sent where the peer is gone; else the time was over, or the signal aborted.
      const over = this.#over !== undefined || (isIpcError(error) && error.code === 'ERR_IPC_PEER_GONE')
      this.destroy(error instanceof Error ? error : undefined)
      if (over) return
      throw error
    }
    await this.#bodies.close(options)
    await this.channel.close(options)
    this.#discard(closedError({ adapter: this.channel.adapter }))
  }

  destroy(reason?: Error): void {
    this.channel.destroy(reason)
    this.#bodies.destroy(reason)
    this.#discard(reason ?? closedError({ adapter: this.channel.adapter }))
  }

  #discard(reason: Error): void {
    this.#unread.length = 0
    this.#unreadUrgent.length = 0
    this.#over = { error: reason }
    this.#fail(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
