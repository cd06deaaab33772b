/** A daemon: a handler for every peer that connects. */
import type { Address, CallOptions, Channel, Framing, ListenOptions, Server } from '../core/channel.js'
import { IpcError } from '../core/errors.js'
import { listen } from '../core/rendezvous.js'
import { checkTimeout, limit } from '../core/wait.js'

const DISPOSE_MS = 5000

/**
 * Serves one peer until it settles; then the channel is flushed and closed, or destroyed where the handler failed.
 * `signal` aborts when the service closes: pass it to what waits, and finish.
 */
export type Handler<F extends Framing = 'message'> = (channel: Channel<F>, signal: AbortSignal) => void | PromiseLike<void>

export interface ServeOptions extends ListenOptions {
  /** Gets what a handler throws, and why no more peers can come. Default: prints it to standard error. */
  onError?: (error: unknown) => void
}

/** A server whose channels have handlers. Its disposal is `close({ timeout: 5000 })`. */
export interface Service<F extends Framing = 'message'> extends Omit<Server<F>, typeof Symbol.asyncIterator | 'stop' | 'ref' | 'unref'> {
  /** Keeps the process alive while open (the default). */
  ref(): this
  /** Lets the process end although this is open. */
  unref(): this
  /**
   * Stops listening, removes the name and aborts the handlers' signals, all at once; then waits for the handlers, and
   * for their channels to be flushed. When `timeout` ms have passed, or `signal` aborts, it destroys the channels that
   * are left, hands `onError` an ERR_IPC_TIMEOUT for each, and settles without waiting for their handlers. Never
   * rejects because of a handler. Calling it again returns the same outcome.
   */
  close(options?: CallOptions): Promise<void>
}

/**
 * Listens at `address` and runs `handler` for each channel, `maxPeers` at a time. Settles when peers can connect. A
 * handler that throws costs its peer the connection and nobody else anything; one that rejects with its signal's
 * reason has not failed.
 *
 * @throws as `listen`
 */
export async function serve(
  address: Address,
  handler: Handler<'stream'>,
  options: ServeOptions & { framing: 'stream' },
): Promise<Service<'stream'>>
export async function serve(address: Address, handler: Handler, options?: ServeOptions): Promise<Service>
export async function serve(address: Address, handler: Handler<never>, options: ServeOptions = {}): Promise<Service<Framing>> {
  if (typeof handler !== 'function') throw new TypeError(`a handler is a function, not ${typeof handler}`)
  const { onError = console.error, ...listening } = options
  const server: Server<Framing> = await listen(address, listening)
  return new HandledServer(server, handler as Handler<Framing>, onError)
}

/** A handler at work, until it has settled and its channel is closed. */
interface Run {
  readonly controller: AbortController
  readonly over: Promise<void>
}

class HandledServer implements Service<Framing> {
  readonly #server: Server<Framing>
  readonly #handler: Handler<Framing>
  readonly #onError: (error: unknown) => void
  readonly #running = new Map<Channel<Framing>, Run>()
  /** Their channels were destroyed when the service had to close: `onError` knows. */
  readonly #abandoned = new WeakSet<Channel<Framing>>()
  readonly #accepted: Promise<void>
  #closing: Promise<void> | undefined

  constructor(server: Server<Framing>, handler: Handler<Framing>, onError: (error: unknown) => void) {
    this.#server = server
    this.#handler = handler
    this.#onError = onError
    this.#accepted = this.#accept()
  }

  get address(): string {
    return this.#server.address
  }
  get channels(): ReadonlySet<Channel<Framing>> {
    return this.#server.channels
  }
  ref(): this {
    this.#server.ref()
    return this
  }
  unref(): this {
    this.#server.unref()
    return this
  }

  async #accept(): Promise<void> {
    try {
      for await (const channel of this.#server) {
        const controller = new AbortController()
        if (this.#closing !== undefined) controller.abort(closing())
        const over = this.#run(channel, controller.signal)
        this.#running.set(channel, { controller, over })
        over.finally(() => this.#running.delete(channel))
      }
    } catch (error) {
      this.#report(error)
    }
  }

  async #run(channel: Channel<Framing>, signal: AbortSignal): Promise<void> {
    try {
      await this.#handler(channel, signal)
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) {
        if (!this.#abandoned.has(channel)) this.#report(error)
        channel.destroy(error instanceof Error ? error : undefined)
      }
    }
    await channel.close().catch((error) => this.#report(error))
  }

  /** Whatever throws here as well: the daemon lives on. */
  #report(error: unknown): void {
    try {
      this.#onError(error)
    } catch (failure) {
      console.error(failure)
    }
  }

  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CallOptions): Promise<void> {
    checkTimeout(options.timeout)
    this.#server.stop()
    for (const { controller } of this.#running.values()) controller.abort(closing())
    await new Promise<void>((resolve) => {
      const giveUp = (reason: unknown) => {
        this.#abandon(reason)
        resolve()
      }
      if (options.signal?.aborted) return giveUp(options.signal.reason)
      const stop = limit(options, {}, giveUp)
      return this.#settled().then(() => {
        stop()
        resolve()
      })
    })
  }

  async #settled(): Promise<void> {
    await this.#accepted
    await Promise.all([...this.#running.values()].map(({ over }) => over))
  }

  #abandon(cause: unknown): void {
    for (const channel of this.#running.keys()) {
      this.#abandoned.add(channel)
      const { adapter } = channel
      const message = 'a handler had not settled when the service had to close; its channel was destroyed'
      this.#report(new IpcError('ERR_IPC_TIMEOUT', message, { adapter, address: this.address, cause }))
      channel.destroy()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeout: DISPOSE_MS })
  }
}

const closing = (): IpcError => new IpcError('ERR_IPC_CLOSED', 'the service is closing')
