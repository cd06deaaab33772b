/** How two processes meet: `listen` and `connect` for channels, `openReceiver` and `openSender` for objects without connections. */

import type { Adapter, Endpoint } from './adapter.js'
import { resolve } from './address.js'
import { BaseChannel, DEFAULT_MESSAGE_BYTES } from './base-channel.js'
import { BaseServer } from './base-server.js'
import type {
  Address,
  Channel,
  ConnectOptions,
  Credentials,
  Framing,
  LinkOptions,
  ListenOptions,
  OpenOptions,
  Receiver,
  Sender,
  Server,
} from './channel.js'
import { checkCreate } from './create.js'
import { asIpcError, creationError, IpcError, isIpcError, unavailable } from './errors.js'
import { framed } from './framing.js'
import { requireAvailable } from './registry.js'
import { checkOptions, withSignal } from './wait.js'

const BACKLOG = 511
const FIRST_RETRY_MS = 1
const LONGEST_RETRY_MS = 50

/** A channel over an endpoint: framed where the mechanism is a stream and the user wants messages. */
export function channelOver<F extends Framing>(
  endpoint: Endpoint,
  adapter: Adapter,
  options: LinkOptions,
  known: { url?: string; peer?: Credentials; onClosed?: (channel: BaseChannel<F>) => void } = {},
): BaseChannel<F> {
  const framing = checkFraming(adapter, options)
  const context = { adapter: adapter.id, address: known.url }
  const wrapped =
    framing === 'message' && adapter.capabilities.framing === 'stream' ? framed(endpoint, maxMessageBytes(options), context) : endpoint
  const channel: BaseChannel<F> = new BaseChannel<F>(wrapped, {
    adapter: adapter.id,
    address: known.url,
    capabilities: adapter.capabilities,
    framing,
    maxQueuedBytes: options.maxQueuedBytes,
    peer: known.peer,
    onClosed: () => known.onClosed?.(channel),
  })
  return channel
}

/** Refuses `framing: 'stream'` where the mechanism has boundaries of its own. */
export function checkFraming(adapter: Adapter, { framing = 'message' }: LinkOptions): Framing {
  if (framing !== 'message' && framing !== 'stream') throw new TypeError(`framing is 'message' or 'stream', not ${JSON.stringify(framing)}`)
  if (framing === 'stream' && adapter.capabilities.framing !== 'stream')
    throw new TypeError(`${adapter.id} is no byte stream: framing: 'stream' is for ${"'capabilities.framing' === 'stream'"} alone`)
  return framing
}

export function maxMessageBytes(options: LinkOptions): number {
  const bytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > 2 ** 32 - 1)
    throw new RangeError(`maxMessageBytes must be 1 to 4294967295, not ${bytes}`)
  const queued = options.maxQueuedBytes
  if (queued !== undefined && !(queued >= 0)) throw new RangeError(`maxQueuedBytes must be >= 0, not ${queued}`)
  return bytes
}

export function checkMode(mode: number | undefined): number {
  const bits = mode ?? 0o600
  if (!Number.isInteger(bits) || bits < 0 || bits > 0o777) throw new RangeError(`mode must be 0 to 0o777, not ${bits}`)
  return bits
}

const sameUser = (peer: Credentials | undefined) => peer === undefined || peer.uid === process.geteuid?.()

/**
 * Listens at `address`. The server yields a channel a peer; with `capabilities.peers` of `'one'` it
 * yields one and ends. Settles when peers can connect. Bytes are framed into messages unless
 * `framing: 'stream'`.
 *
 * Names are made exclusively, with mode 0600, and removed by `close` and at the process's end. TCP and
 * UDP listen where the address says; write 127.0.0.1 unless other machines shall connect.
 *
 * @throws ERR_IPC_EXISTS, ERR_IPC_PERMISSION, ERR_IPC_UNAVAILABLE, ERR_IPC_LIMIT, ERR_IPC_TIMEOUT;
 *         TypeError or RangeError on a malformed address or option
 */
export async function listen(address: Address, options: ListenOptions & { framing: 'stream' }): Promise<Server<'stream'>>
export async function listen(address: Address, options?: ListenOptions): Promise<Server>
export async function listen(address: Address, options: ListenOptions = {}): Promise<Server<Framing>> {
  checkOptions(options)
  const { adapter, address: typed, url } = await resolve(address)
  checkFraming(adapter, options)
  const messageBytes = maxMessageBytes(options)
  const mode = checkMode(options.mode)
  requireAvailable(adapter)
  if (adapter.listen === undefined) throw unavailable(noListener(adapter), { adapter: adapter.id, address: url })
  const maxPeers = options.maxPeers ?? Number.POSITIVE_INFINITY
  if (!(maxPeers >= 1)) throw new RangeError(`maxPeers must be >= 1, not ${maxPeers}`)
  const allow = options.allow === undefined || options.allow === 'same-user' ? sameUser : options.allow
  const server = new BaseServer<Framing>(maxPeers, { adapter: adapter.id, address: url }, (endpoint, onClosed) =>
    channelOver(endpoint, adapter, options, { url, onClosed }),
  )
  try {
    server.attach(
      await adapter.listen(typed, {
        mode,
        backlog: BACKLOG,
        maxMessageBytes: messageBytes,
        allow,
        accept: (endpoint) => server.accept(endpoint),
        done: (error) => server.done(error),
      }),
    )
    return server
  } catch (error) {
    server.done()
    throw creationError(error, { adapter: adapter.id, address: url })
  }
}

const noListener = (adapter: Adapter): string =>
  adapter.capabilities.rendezvous === 'inherit'
    ? 'this mechanism has no name to listen at; use spawnPeer and joinParent'
    : 'this adapter makes no channels; use openReceiver and openSender'

/**
 * Connects to whoever listens at `address`. Settles when both sides can send.
 *
 * @throws ERR_IPC_NOT_FOUND where nobody listens (unless `waitForPeer`), ERR_IPC_BUSY where the one peer
 *         is taken, ERR_IPC_PERMISSION, ERR_IPC_PEER_GONE, ERR_IPC_UNAVAILABLE, ERR_IPC_LIMIT,
 *         ERR_IPC_TIMEOUT; TypeError or RangeError on a malformed address or option
 */
export async function connect(address: Address, options: ConnectOptions & { framing: 'stream' }): Promise<Channel<'stream'>>
export async function connect(address: Address, options?: ConnectOptions): Promise<Channel>
export async function connect(address: Address, options: ConnectOptions = {}): Promise<Channel<Framing>> {
  checkOptions(options)
  const { adapter, address: typed, url } = await resolve(address)
  checkFraming(adapter, options)
  const messageBytes = maxMessageBytes(options)
  requireAvailable(adapter)
  const { connect } = adapter
  if (connect === undefined) throw unavailable(noListener(adapter), { adapter: adapter.id, address: url })
  return withSignal(options, { adapter: adapter.id, address: url }, async (signal) => {
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(2 * delay, LONGEST_RETRY_MS)) {
      try {
        return channelOver(await connect.call(adapter, typed, { signal, maxMessageBytes: messageBytes }), adapter, options, { url })
      } catch (error) {
        if (options.waitForPeer !== true || !isIpcError(error) || error.code !== 'ERR_IPC_NOT_FOUND')
          throw asIpcError(error, { adapter: adapter.id, address: url })
        await pause(delay, signal)
      }
    }
  })
}

/** Nothing announces that a name has come into being, for all mechanisms alike: try again a little later. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', aborted)
      resolve()
    }, ms)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  })
}

/**
 * Opens the receiving end of an object that has no connection: a queue, a FIFO, a datagram address, a
 * multicast group. Speaks the mechanism raw: no header, handshake or end mark of this library, so any
 * program may be on the other end. A byte stream yields whatever a read gives.
 *
 * @throws ERR_IPC_EXISTS, ERR_IPC_NOT_FOUND (by `create`), ERR_IPC_PERMISSION, ERR_IPC_UNAVAILABLE, ERR_IPC_LIMIT
 */
export const openReceiver = (address: Address, options: OpenOptions = {}): Promise<Receiver> => open('openReceiver', address, options)

/** Opens the sending end of an object that has no connection. As `openReceiver`; a sender waits for no receiver unless the mechanism needs one. */
export const openSender = (address: Address, options: OpenOptions = {}): Promise<Sender> => open('openSender', address, options)

async function open(side: 'openReceiver' | 'openSender', address: Address, options: OpenOptions): Promise<Channel<Framing>> {
  checkOptions(options)
  const { adapter, address: typed, url } = await resolve(address)
  const create = options.create ?? 'never'
  checkCreate(create)
  const mode = checkMode(options.mode)
  requireAvailable(adapter)
  const opener = adapter[side]
  if (opener === undefined)
    throw new IpcError('ERR_IPC_UNAVAILABLE', 'this mechanism has connections; use listen and connect', {
      adapter: adapter.id,
      address: url,
    })
  return withSignal(options, { adapter: adapter.id, address: url }, async (signal) => {
    const framing = adapter.capabilities.framing === 'stream' ? 'stream' : 'message'
    try {
      const endpoint = await opener.call(adapter, typed, {
        create,
        mode,
        unlink: options.unlink ?? 'on-close',
        endAfterLastWriter: options.endAfterLastWriter ?? true,
        signal,
      })
      return channelOver(endpoint, adapter, { ...options, framing }, { url })
    } catch (error) {
      const failure = create === 'never' ? asIpcError : creationError
      throw failure(error, { adapter: adapter.id, address: url })
    }
  })
}
