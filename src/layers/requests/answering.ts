/** The requests of the peer. */
import type { Bytes } from '../../core/channel.js'
import { type ErrorContext, IpcError } from '../../core/errors.js'
import { WINDOW } from './asking.js'
import { ANSWER_BYTES, encodeAnswer, encodeFailure, type Frame, Why } from './frames.js'
import type { Responder } from './index.js'

type Request = Frame & { kind: 'request' }

/** A requester whose answer has come may ask again before this side knows that it was sent. */
const MOST_REQUESTS = 2 * WINDOW.requests

export class Answering {
  readonly #send: (frame: Bytes) => Promise<void>
  readonly #longest: number
  readonly #context: ErrorContext
  /** Until the kernel or the ring owns the answer, which may be as long as it takes the peer to read. */
  readonly #requests = new Map<number, AbortController>()
  /** Of requests whose handlers run. */
  #bytes = 0
  #handler: Responder | undefined
  #settled = () => {}

  constructor(send: (frame: Bytes) => Promise<void>, longest: number, context: ErrorContext) {
    this.#send = send
    this.#longest = longest
    this.#context = context
  }

  use(handler: Responder): void {
    if (this.#handler !== undefined) throw new IpcError('ERR_IPC_BUSY', 'something responds on this channel already', this.#context)
    this.#handler = handler
  }

  /** Begins to answer. What is wrong with the request, where something is. */
  handle(request: Request): string | undefined {
    const { id, body } = request
    if (this.#requests.has(id)) return `it asks ${id} again, which is not answered yet`
    if (this.#requests.size >= MOST_REQUESTS || (this.#bytes > 0 && this.#bytes + body.length > WINDOW.bytes))
      return `it asks more than ${WINDOW.requests} requests and ${WINDOW.bytes} bytes at one time`
    const controller = new AbortController()
    this.#requests.set(id, controller)
    void this.#answer(request, controller.signal)
    return undefined
  }

  async #answer(request: Request, signal: AbortSignal): Promise<void> {
    this.#bytes += request.body.length
    const frame = await this.#frameOf(request, signal)
    this.#bytes -= request.body.length
    await this.#send(frame).catch(() => {}) // who is gone needs none
    this.#requests.delete(request.id)
    if (this.#requests.size === 0) this.#settled()
  }

  /** Never rejects. */
  async #frameOf({ id, body, longestAnswer }: Request, signal: AbortSignal): Promise<Bytes> {
    const longest = Math.min(this.#longest - ANSWER_BYTES, longestAnswer)
    const failure = (why: Why, message: string, code = '') => encodeFailure(id, why, code, message, longest)
    if (this.#handler === undefined) return failure(Why.NOBODY, '')
    try {
      const answer = await this.#handler(body, signal)
      if (signal.aborted) return failure(Why.THREW, 'the request was cancelled')
      if (!(answer instanceof Uint8Array)) throw new TypeError(`an answer is a Uint8Array, not ${answer === null ? 'null' : typeof answer}`)
      if (answer.length > longest)
        return failure(Why.TOO_LONG, `an answer has at most ${longest} bytes on this channel, not ${answer.length}`)
      return encodeAnswer(id, answer)
    } catch (error) {
      const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
      return failure(Why.THREW, error instanceof Error ? error.message : String(error), code)
    }
  }

  /** The requester does not want the answer. Of one that was answered meanwhile nothing is known any more. */
  cancel(id: number): undefined {
    this.#requests.get(id)?.abort(new IpcError('ERR_IPC_CLOSED', 'the requester has given up this request', this.#context))
  }

  /** Nobody wants any answer, or can be given one. */
  abort(reason: unknown): void {
    for (const controller of this.#requests.values()) controller.abort(reason)
    this.#settled()
  }

  /** When every request so far is answered, or need not be. */
  async settled(): Promise<void> {
    if (this.#requests.size > 0)
      await new Promise<void>((resolve) => {
        this.#settled = resolve
      })
  }
}
