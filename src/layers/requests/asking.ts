/** The requests of this side. */
import type { Bytes, CallOptions } from '../../core/channel.js'
import { type ErrorContext, IpcError } from '../../core/errors.js'
import { checkOptions, limit } from '../../core/wait.js'
import { ANSWER_BYTES, encodeCancel, encodeRequest, type Frame, REQUEST_BYTES, Why } from './frames.js'

/** What is unanswered at most; bytes more only where it is a request alone. */
export const WINDOW = { requests: 1024, bytes: 16 * 1024 * 1024 } as const

interface Call {
  readonly body: Bytes
  resolve(answer: Bytes): void
  reject(error: unknown): void
}

export class Asking {
  readonly #send: (frame: Bytes) => Promise<void>
  readonly #longest: number
  readonly #context: ErrorContext
  /** Not sent: the window has no room. */
  readonly #waiting: Call[] = []
  /** Sent and not answered, also where it was given up since: the peer still has it. */
  readonly #asked = new Map<number, Call>()
  #askedBytes = 0
  #lastId = 0
  #over: { readonly error: unknown } | undefined

  constructor(send: (frame: Bytes) => Promise<void>, longest: number, context: ErrorContext) {
    this.#send = send
    this.#longest = longest
    this.#context = context
  }

  async ask(request: Uint8Array, options: CallOptions): Promise<Bytes> {
    if (!(request instanceof Uint8Array))
      throw new TypeError(`a request is a Uint8Array, not ${request === null ? 'null' : typeof request}`)
    checkOptions(options)
    const longest = this.#longest - REQUEST_BYTES
    if (request.length > longest)
      throw new IpcError(
        'ERR_IPC_PAYLOAD_SIZE',
        `a request has at most ${longest} bytes on this channel, not ${request.length}`,
        this.#context,
      )
    if (this.#over !== undefined) throw this.#over.error
    let stop = () => {}
    const body = new Uint8Array(request)
    try {
      return await new Promise<Bytes>((resolve, reject) => {
        const call: Call = { body, resolve, reject }
        stop = limit(options, this.#context, (reason) => this.#giveUp(call, reason))
        this.#waiting.push(call)
        this.#launch()
      })
    } finally {
      stop()
    }
  }

  #launch(): void {
    for (let call = this.#waiting[0]; call !== undefined && this.#fits(call.body.length); call = this.#waiting[0]) {
      this.#waiting.shift()
      const id = this.#nextId()
      this.#asked.set(id, call)
      this.#askedBytes += call.body.length
      this.#send(encodeRequest(id, this.#longest - ANSWER_BYTES, call.body)).catch((error) => this.#forget(id)?.reject(error))
    }
  }

  #fits(bytes: number): boolean {
    return this.#asked.size < WINDOW.requests && (this.#askedBytes === 0 || this.#askedBytes + bytes <= WINDOW.bytes)
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#asked.has(this.#lastId))
    return this.#lastId
  }

  #giveUp(call: Call, reason: unknown): void {
    call.reject(reason)
    const at = this.#waiting.indexOf(call)
    if (at >= 0) this.#waiting.splice(at, 1)
    for (const [id, asked] of this.#asked) if (asked === call) this.#send(encodeCancel(id)).catch(() => {}) // who is gone needs none
  }

  /** What is wrong with the frame, where something is. */
  settle(frame: Frame & { kind: 'answer' | 'failure' }): string | undefined {
    const call = this.#forget(frame.id)
    if (call === undefined) return `it answers ${frame.id}, which was not asked`
    if (frame.kind === 'answer') call.resolve(frame.body)
    else call.reject(this.#errorOf(frame))
    this.#launch()
    return undefined
  }

  #forget(id: number): Call | undefined {
    const call = this.#asked.get(id)
    if (call === undefined) return undefined
    this.#asked.delete(id)
    this.#askedBytes -= call.body.length
    return call
  }

  #errorOf({ why, code, message }: Frame & { kind: 'failure' }): IpcError {
    switch (why) {
      case Why.NOBODY:
        return new IpcError('ERR_IPC_NOT_FOUND', 'the peer does not respond on this channel; it must call respond()', this.#context)
      case Why.TOO_LONG:
        return new IpcError('ERR_IPC_PAYLOAD_SIZE', message, this.#context)
      case Why.THREW: {
        const cause = Object.assign(new Error(message), code === '' ? {} : { code })
        return new IpcError('ERR_IPC_REMOTE', `the peer's handler failed: ${message}`, { ...this.#context, cause })
      }
    }
  }

  /** There will be no further answer. */
  end(error: unknown): void {
    this.#over = { error }
    for (const call of [...this.#asked.values(), ...this.#waiting.splice(0)]) call.reject(error)
    this.#asked.clear()
  }
}
