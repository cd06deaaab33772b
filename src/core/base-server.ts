/** The server that users hold: channels in the order they came, bounded by `maxPeers`. */
import type { Acceptor, Endpoint } from './adapter.js'
import type { CallOptions, Channel, Framing, Server } from './channel.js'
import { type ErrorContext, IpcError } from './errors.js'
import { KeepAlive } from './keep-alive.js'

export class BaseServer<F extends Framing> implements Server<F> {
  readonly channels: Set<Channel<F>> = new Set()
  readonly #make: (endpoint: Endpoint, onClosed: (channel: Channel<F>) => void) => Channel<F>
  readonly #context: ErrorContext
  readonly #maxPeers: number
  readonly #keepAlive = new KeepAlive()
  #arrived: Channel<F>[] = []
  #waiting: { resolve: (result: IteratorResult<Channel<F>>) => void; reject: (error: unknown) => void }[] = []
  #acceptor: Acceptor | undefined
  #over = false
  #failure: IpcError | undefined
  #closing: Promise<void> | undefined

  constructor(maxPeers: number, context: ErrorContext, make: (endpoint: Endpoint, onClosed: (channel: Channel<F>) => void) => Channel<F>) {
    this.#maxPeers = maxPeers
    this.#context = context
    this.#make = make
    this.#keepAlive.hold(true)
  }

  /** Once, right after the adapter listens. */
  attach(acceptor: Acceptor): void {
    this.#acceptor = acceptor
    if (this.#over) acceptor.close()
    else if (this.channels.size >= this.#maxPeers) acceptor.pause()
  }

  get address(): string {
    return this.#acceptor?.address ?? ''
  }

  accept(endpoint: Endpoint): void {
    if (this.#over) {
      endpoint.close()
      return
    }
    const channel = this.#make(endpoint, (closed) => {
      if (this.channels.delete(closed) && this.channels.size < this.#maxPeers && !this.#over) this.#acceptor?.resume()
    })
    this.channels.add(channel)
    if (this.channels.size >= this.#maxPeers) this.#acceptor?.pause()
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#arrived.push(channel)
    else waiting.resolve({ value: channel, done: false })
  }

  /** Takes in whoever has connected already. */
  look(): void {
    if (!this.#over) this.#acceptor?.look?.()
  }

  /** The adapter can yield no more. What arrived is still yielded. */
  done(error?: IpcError): void {
    if (this.#over) return
    this.#over = true
    this.#failure = error
    this.#keepAlive.hold(false)
    this.#acceptor?.close()
    for (const waiting of this.#waiting.splice(0)) {
      if (error === undefined) waiting.resolve({ value: undefined, done: true })
      else waiting.reject(error)
    }
  }

  /** Leaving the loop closes nothing. */
  [Symbol.asyncIterator](): AsyncIterator<Channel<F>> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<Channel<F>>> {
    const channel = this.#arrived.shift()
    if (channel !== undefined) return Promise.resolve({ value: channel, done: false })
    if (this.#failure !== undefined) {
      const failure = this.#failure
      this.#failure = undefined
      return Promise.reject(failure)
    }
    if (this.#over) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  ref(): this {
    if (!this.#over) this.#keepAlive.hold(true)
    return this
  }
  unref(): this {
    this.#keepAlive.hold(false)
    return this
  }

  stop(): void {
    this.done()
  }

  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CallOptions): Promise<void> {
    this.stop()
    const results = await Promise.allSettled([...this.channels].map((channel) => channel.close(options)))
    const late = results.filter((result) => result.status === 'rejected').length
    if (late > 0) throw new IpcError('ERR_IPC_TIMEOUT', `${late} channels were destroyed before they had flushed`, this.#context)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
