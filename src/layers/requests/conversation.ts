/** Both sides of requests and answers on one channel, which this alone reads. */
import type { Bytes, CallOptions, Channel } from '../../core/channel.js'
import { type ErrorContext, IpcError, isIpcError } from '../../core/errors.js'
import { requireEveryMessage } from '../require-messages.js'
import { sendPatiently } from '../send-patiently.js'
import { Answering } from './answering.js'
import { Asking } from './asking.js'
import { ANSWER_BYTES, decodeFrame } from './frames.js'
import type { Responder } from './index.js'

const LEAST_PAYLOAD = 64

const conversations = new WeakMap<Channel, Conversation>()

export class Conversation {
  readonly #channel: Channel
  readonly #context: ErrorContext
  readonly #asking: Asking
  readonly #answering: Answering
  readonly #over: Promise<void>

  /** The one on `channel`. */
  static on(channel: Channel): Conversation {
    const known = conversations.get(channel)
    if (known !== undefined) return known
    const conversation = new Conversation(channel)
    conversations.set(channel, conversation)
    return conversation
  }

  constructor(channel: Channel) {
    requireEveryMessage(channel, 'requester')
    const { min, max } = channel.capabilities.payload
    if (max < LEAST_PAYLOAD || min > ANSWER_BYTES)
      throw new TypeError(
        `a message of ${channel.adapter} has ${min} to ${max} bytes; requester() needs any from ${ANSWER_BYTES} to ${LEAST_PAYLOAD}`,
      )
    this.#channel = channel
    this.#context = { adapter: channel.adapter }
    const send = (frame: Bytes) => sendPatiently(channel, frame)
    this.#asking = new Asking(send, max, this.#context)
    this.#answering = new Answering(send, max, this.#context)
    this.#over = this.#converse()
    this.#over.catch(() => {}) // told to those who ask and respond
  }

  ask(request: Uint8Array, options: CallOptions): Promise<Bytes> {
    return this.#asking.ask(request, options)
  }

  async respond(handler: Responder): Promise<void> {
    this.#answering.use(handler)
    try {
      await this.#over
    } catch (error) {
      this.#channel.destroy(error instanceof Error ? error : undefined)
      throw error
    }
    await this.#channel.close()
  }

  async #converse(): Promise<void> {
    this.#channel.closed.then((reason) =>
      this.#answering.abort(reason ?? new IpcError('ERR_IPC_CLOSED', 'the channel is closed', this.#context)),
    )
    try {
      for await (const bytes of this.#channel) this.#take(bytes)
      this.#asking.end(new IpcError('ERR_IPC_PEER_GONE', 'the peer ended before it answered', this.#context))
      await this.#answering.settled()
    } catch (error) {
      this.#asking.end(error)
      this.#answering.abort(error)
      if (!isIpcError(error) || (error.code !== 'ERR_IPC_PEER_GONE' && error.code !== 'ERR_IPC_CLOSED')) throw error
    }
  }

  #take(bytes: Bytes): void {
    const frame = decodeFrame(bytes)
    const violation =
      typeof frame === 'string'
        ? frame
        : frame.kind === 'request'
          ? this.#answering.handle(frame)
          : frame.kind === 'cancel'
            ? this.#answering.cancel(frame.id)
            : this.#asking.settle(frame)
    if (violation !== undefined)
      throw new IpcError('ERR_IPC_PROTOCOL', `the peer does not speak as requester() and respond() do: ${violation}`, this.#context)
  }
}
