/** Small messages over one channel, large ones through shared memory, and a lane for what is urgent. */
import { DEFAULT_MESSAGE_BYTES } from '../../core/base-channel.js'
import type { Bytes, CallOptions, Channel } from '../../core/channel.js'
import { withSignal } from '../../core/wait.js'
import { fragmented } from '../fragmented.js'
import { requireEveryMessage } from '../require-messages.js'
import { Hybrid } from './hybrid.js'
import { meet } from './meet.js'

const LEAST_PAYLOAD = 64

export interface HybridOptions extends CallOptions {
  /** The longest message sent or accepted, in bytes. Default 64 MiB. */
  maxMessageBytes?: number
}

export interface HybridChannel extends AsyncIterable<Bytes>, AsyncDisposable {
  /** The channel below, over which small messages go. */
  readonly channel: Channel
  readonly maxMessageBytes: number
  /** How many bytes an urgent message may have: 8191, or what the channel below carries less 8. */
  readonly maxUrgentBytes: number
  /**
   * Settles when the kernel and the ring have all of it; until then the buffer is borrowed. Messages arrive in the
   * order sent, urgent ones in theirs: an urgent message overtakes every other that was not received yet, also one that
   * is on its way. Aborting takes effect only before the first byte.
   * @throws as `Sender.send`; ERR_IPC_PAYLOAD_SIZE
   */
  send(data: Uint8Array, options?: CallOptions & { urgent?: boolean }): Promise<void>
  /**
   * The next message, urgent ones first, owned by the caller; `null` at the end. What arrives of a message while its
   * receive is aborted stays for the next.
   * @throws ERR_IPC_PEER_GONE where the peer left without an end, ERR_IPC_PROTOCOL, ERR_IPC_CLOSED
   */
  receive(options?: CallOptions): Promise<Bytes | null>
  /** Ends the sending direction after the messages sent before. The other one still flows. */
  end(options?: CallOptions): Promise<void>
  /** Ends, and releases the channel and the memory when everything is sent. */
  close(options?: CallOptions): Promise<void>
  /** Discards, and releases at once. */
  destroy(reason?: Error): void
}

/**
 * Makes of `channel`, which it owns from here, one for large messages: those of 8 KiB and more go through memory that
 * both processes share (a `shared-memory/ring`), the others over the channel. So a control message that is sent
 * `urgent` waits for no body. What is unread costs a bounded amount of memory: the ring, one body, and 256 KiB a lane,
 * for which the receiver gives credit.
 *
 * Both sides must call it, on the same machine. Settles when they share the memory; where that fails the channel is
 * destroyed.
 *
 * @throws ERR_IPC_UNAVAILABLE, ERR_IPC_PEER_GONE, ERR_IPC_NOT_FOUND (the peer is on another machine),
 *         ERR_IPC_PROTOCOL, ERR_IPC_VERSION, ERR_IPC_TIMEOUT; TypeError for a stream, and for a channel that may lose or
 *         reorder messages or carries less than 64 bytes
 */
export async function hybrid(channel: Channel, options: HybridOptions = {}): Promise<HybridChannel> {
  requireEveryMessage(channel, 'hybrid')
  const { max, min } = channel.capabilities.payload
  if (max < LEAST_PAYLOAD || min > 8)
    throw new TypeError(`a message of ${channel.adapter} has ${min} to ${max} bytes; hybrid() needs any from 8 to ${LEAST_PAYLOAD}`)
  const { maxMessageBytes = DEFAULT_MESSAGE_BYTES } = options
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1 || maxMessageBytes > 2 ** 32 - 1)
    throw new RangeError(`maxMessageBytes must be 1 to 4294967295, not ${maxMessageBytes}`)
  try {
    const ring = await withSignal(options, { adapter: channel.adapter }, (signal) => meet(channel, { signal }))
    return new Hybrid(channel, fragmented(ring, { maxMessageBytes }))
  } catch (error) {
    channel.destroy(error instanceof Error ? error : undefined)
    throw error
  }
}
