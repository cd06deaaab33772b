/** A channel as a stream of Node's. */
import { Duplex } from 'node:stream'
import type { Channel, Framing } from '../core/channel.js'

export interface DuplexOptions {
  /** As of `net.Socket`: false (the default) ends this side when the peer has ended, true leaves that to `end()`. */
  allowHalfOpen?: boolean
}

/**
 * `channel`, which it owns from here, as a `stream.Duplex`, to `pipeline` with others. A channel of bytes is a stream
 * of bytes; a channel of messages is one in object mode, each chunk (a Uint8Array) a message.
 *
 * A write is done when the kernel or the ring owns it, so a peer that does not read holds the writer back; nothing is
 * received before the stream's buffer asks for it. `end()` flushes and ends the sending direction; the peer's end is
 * the stream's. When both are over the channel is closed. `destroy()` destroys the channel, and what fails in the
 * channel destroys the stream with that error.
 */
export function toDuplex(channel: Channel<Framing>, options: DuplexOptions = {}): Duplex {
  return new ChannelDuplex(channel, options)
}

type Done = (error?: Error | null) => void

class ChannelDuplex extends Duplex {
  readonly #channel: Channel<Framing>

  constructor(channel: Channel<Framing>, { allowHalfOpen = false }: DuplexOptions) {
    super({ objectMode: channel.framing === 'message', allowHalfOpen })
    this.#channel = channel
    channel.closed.then((reason) => this.destroy(reason))
  }

  override _read(): void {
    this.#channel.receive().then(
      (data) => this.push(data),
      (error) => this.destroy(error),
    )
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#channel.send(chunk).then(() => done(), done)
  }

  override _final(done: Done): void {
    this.#channel.end().then(() => done(), done)
  }

  override _destroy(error: Error | null, done: Done): void {
    if (error === null && this.writableFinished && this.readableEnded) {
      this.#channel.close().then(() => done(), done)
      return
    }
    this.#channel.destroy(error ?? undefined)
    done(error)
  }
}
