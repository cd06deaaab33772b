/** Requests and their answers. */
import type { Bytes, CallOptions, Channel } from '../../core/channel.js'
import { Conversation } from './conversation.js'

/**
 * Sends a request, which it copies at once, and settles with the answer. Any number may be in flight, and be answered
 * in any order. When `signal` aborts or `timeout` ms have passed it rejects, and the peer's handler is told.
 *
 * @throws ERR_IPC_REMOTE where the peer's handler threw: the message has what it threw, `cause` its `code`;
 *         ERR_IPC_NOT_FOUND where the peer does not respond on this channel; ERR_IPC_PAYLOAD_SIZE where request or
 *         answer is longer than the channel carries; ERR_IPC_TIMEOUT; and, for all in flight, ERR_IPC_PEER_GONE where
 *         the peer ends or dies, ERR_IPC_PROTOCOL where it sends what is no answer, ERR_IPC_CLOSED
 */
export type Requester = (request: Uint8Array, options?: CallOptions) => Promise<Bytes>

/** Answers a request. `signal` aborts when nobody wants the answer any more: the requester has given up, or is gone. */
export type Responder = (request: Bytes, signal: AbortSignal) => Uint8Array | PromiseLike<Uint8Array>

/**
 * Asks the peer of `channel`, which calls `respond`. Nothing else may receive on that channel, or send on it;
 * `respond` may be called on it as well, so that both sides ask and answer. What is unanswered is bounded, at 1024
 * requests and 16 MiB of them; further ones wait for their turn.
 *
 * @throws TypeError for a stream, and for a channel that may lose or reorder messages or carries less than 64 bytes
 */
export function requester(channel: Channel): Requester {
  const conversation = Conversation.on(channel)
  return (request, options = {}) => conversation.ask(request, options)
}

/**
 * Answers what the peer of `channel` asks, many requests at a time. A handler that throws rejects its request alone. A
 * request that comes before this is called is refused (ERR_IPC_NOT_FOUND), if `requester` reads the channel already.
 *
 * Settles when the peer has ended and what it asked before is answered, when it is gone, or when this side closes the
 * channel; the channel is closed then.
 *
 * @throws ERR_IPC_PROTOCOL where the peer sends what is no request, ERR_IPC_BUSY where `respond` was called on this
 *         channel before, TypeError as `requester`
 */
export async function respond(channel: Channel, handler: Responder): Promise<void> {
  if (typeof handler !== 'function') throw new TypeError(`a handler is a function, not ${typeof handler}`)
  await Conversation.on(channel).respond(handler)
}
