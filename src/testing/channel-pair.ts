/** Two channels over a pair of endpoints in memory. */
import { BaseChannel, DEFAULT_MESSAGE_BYTES } from '../core/base-channel.js'
import type { Capabilities, Channel, Framing, LinkOptions } from '../core/channel.js'
import { framed } from '../core/framing.js'
import type { Faults } from './faults.js'
import { context, MemoryEndpoint, type MemoryOptions } from './memory-endpoint.js'

export interface PairOptions extends MemoryOptions, Pick<LinkOptions, 'maxMessageBytes' | 'maxQueuedBytes'> {
  /** `'stream'`, for pairs over `'stream'`: the channels carry bytes without boundaries. Default `'message'`. */
  readonly framing?: Framing
}

export interface ChannelPair<F extends Framing = 'message'> {
  readonly a: Channel<F>
  readonly b: Channel<F>
  /** What can befall each side. */
  readonly faults: { readonly a: Faults; readonly b: Faults }
}

/**
 * Two channels that are joined in memory: what one sends the other receives. They are the channels that `listen`
 * and `connect` give, over another endpoint: framing, order, backpressure, abort, closing and errors are the
 * library's own, and so are those of what is tested with them. Nothing of the kernel is used, and unless `ref` is
 * called they do not keep the process alive: a test may drop them as they are. `peer` is this process.
 *
 * What a mechanism does is chosen by `over`: a byte stream as of `socket/unix`, whose messages the library frames
 * and a fault can cut, or messages as of `socket/unix-seqpacket`. Neither has a sync or zero-copy facet.
 *
 * @throws TypeError where the options exclude each other
 */
export function channelPair(options: PairOptions & { framing: 'stream' }): ChannelPair<'stream'>
export function channelPair(options?: PairOptions): ChannelPair
export function channelPair(options: PairOptions = {}): ChannelPair<Framing> {
  const { over = 'stream', framing = 'message', order = 'fifo', capacity = 64 * 1024 } = options
  if (over === 'stream' && order === 'none') throw new TypeError("a byte stream keeps its order: order: 'none' goes with over: 'message'")
  if (over === 'message' && framing === 'stream') throw new TypeError("framing: 'stream' goes with over: 'stream'")
  const payload = options.payload ?? { min: 0, max: over === 'message' ? capacity : 2 ** 32 - 1 }
  const channelOver = (endpoint: MemoryEndpoint) =>
    new BaseChannel<Framing>(
      over === 'stream' && framing === 'message' ? framed(endpoint, options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES, context) : endpoint,
      { ...context, capabilities: capabilities(over, order, payload), framing, maxQueuedBytes: options.maxQueuedBytes },
    ).unref()
  const [a, b] = MemoryEndpoint.pair(options)
  return { a: channelOver(a), b: channelOver(b), faults: { a, b } }
}

const capabilities = (framing: 'message' | 'stream', order: 'fifo' | 'none', payload: Capabilities['payload']): Capabilities =>
  Object.freeze({
    framing,
    payload: Object.freeze(payload),
    native: 'duplex',
    order,
    whenFull: 'block',
    end: 'kernel',
    halfClose: true,
    rendezvous: 'inherit',
    peers: 'one',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: false,
    zeroCopy: false,
    connects: false,
    opens: false,
    crossesHosts: false,
    priority: false,
  })
