/** One wait mode of a channel, so that the same exchange runs in each. */
import { type Bytes, type Channel, Result } from '../core/channel.js'
import { IpcError, isIpcError } from '../core/errors.js'
import type { WaitMode } from './record.js'

/** What did not wait answers without a promise: a blocking exchange never enters the event loop. */
export interface Port {
  send(data: Uint8Array): Promise<void> | undefined
  /** The next message, valid until the next call; `null` at the end. */
  receive(): Uint8Array | null | Promise<Uint8Array | null>
  /** As `receive`; `undefined` when nothing came in `timeoutMs`. */
  receiveWithin(timeoutMs: number): Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>
}

/** `bytes`: the longest message that will be received. */
export function portOver(channel: Channel, wait: WaitMode, bytes: number): Port {
  return wait === 'block' ? blockingPort(channel, bytes) : eventLoopPort(channel)
}

const timedOut = (error: unknown): undefined => {
  if (isIpcError(error) && error.code === 'ERR_IPC_TIMEOUT') return undefined
  throw error
}

function eventLoopPort(channel: Channel): Port {
  return {
    send: (data) => channel.send(data),
    receive: () => channel.receive(),
    receiveWithin: (timeout) => channel.receive({ timeout }).catch(timedOut),
  }
}

function blockingPort(channel: Channel, bytes: number): Port {
  const sync = channel.sync
  if (sync === undefined) throw new IpcError('ERR_IPC_UNAVAILABLE', 'the channel has no sync facet', { adapter: channel.adapter })
  const target: Bytes = new Uint8Array(bytes)
  const taken = (n: number): Uint8Array | null => {
    if (n === bytes) return target
    if (n >= 0) return target.subarray(0, n)
    if (n === Result.END) return null
    throw new IpcError('ERR_IPC_TARGET_SIZE', `a message of more than ${bytes} bytes arrived`, { adapter: channel.adapter })
  }
  return {
    send(data) {
      sync.send(data)
      return undefined
    },
    receive: () => taken(sync.receiveInto(target)),
    receiveWithin(timeout) {
      try {
        return taken(sync.receiveInto(target, { timeout }))
      } catch (error) {
        return timedOut(error)
      }
    },
  }
}
