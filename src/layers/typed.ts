/** Values instead of bytes. */
import type { CallOptions, Channel } from '../core/channel.js'
import { IpcError } from '../core/errors.js'
import { requireMessages } from './require-messages.js'

/** From values to bytes and back. Either may throw. */
export interface Codec<In, Out = In> {
  encode(value: Out): Uint8Array
  decode(bytes: Uint8Array): In
}

/** A channel of values: sends `Out`, receives `In`. */
export interface TypedChannel<In, Out> extends AsyncIterable<In> {
  /** The channel below; close it. */
  readonly channel: Channel
  /** As `Sender.send`. Rejects with what `codec.encode` throws; nothing is sent then. */
  send(value: Out, options?: CallOptions): Promise<void>
  /**
   * The values until the end. Leaving the loop closes nothing; another loop goes on where it stopped, also
   * behind a message that was refused.
   * @throws ERR_IPC_PROTOCOL for a message that `codec.decode` refuses, with what it threw as `cause`. That
   *         message is gone; the channel stays open, and those behind it are there.
   */
  messages(options?: CallOptions): AsyncIterableIterator<In>
}

/** Carries values over `channel`, encoded by `codec`. Both sides need codecs that fit each other. @throws TypeError for a stream */
export function typed<In, Out>(channel: Channel, codec: Codec<In, Out>): TypedChannel<In, Out> {
  requireMessages(channel, 'typed')
  const decode = (bytes: Uint8Array): In => {
    try {
      return codec.decode(bytes)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new IpcError('ERR_IPC_PROTOCOL', `the peer sent a message of ${bytes.length} bytes that was refused: ${why}`, {
        adapter: channel.adapter,
        cause: error,
      })
    }
  }
  const messages = (options?: CallOptions): AsyncIterableIterator<In> => {
    const received = channel.messages(options)
    return {
      next: async () => {
        const { value, done } = await received.next()
        return done === true ? { value: undefined, done } : { value: decode(value), done: false }
      },
      return: async () => {
        await received.return?.()
        return { value: undefined, done: true }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
  return {
    channel,
    send: async (value, options) => channel.send(codec.encode(value), options),
    messages,
    [Symbol.asyncIterator]: () => messages(),
  }
}

/**
 * JSON as UTF-8. `check` gets what the peer sent, which may be anything: it returns the value that it found to be
 * right (or made right), or throws.
 */
export function json<In, Out = In>(check: (value: unknown) => In): Codec<In, Out> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return {
    encode(value) {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`)
      return new TextEncoder().encode(text)
    },
    decode: (bytes) => check(JSON.parse(utf8.decode(bytes))),
  }
}
