/** One wait mode of a channel, so that the same exchange runs in each. */
import { type Bytes, type Channel, Result, type SyncFacet } from '../core/channel.js'
import { IpcError, isIpcError, resultError } from '../core/errors.js'
import { SPIN_MS } from './protocol.js'
import type { WaitMode } from './record.js'

/** Between two looks at the clock, which costs as much as several tries. */
const TRIES = 256

/** What did not wait answers without a promise: a blocking exchange never enters the event loop. */
export interface Port {
  /** As a `BlockingPort` says. */
  readonly blocks?: true
  send(data: Uint8Array): Promise<void> | undefined
  /** The next message, valid until the next call; `null` at the end. */
  receive(): Uint8Array | null | Promise<Uint8Array | null>
  /** As `receive`; `undefined` when nothing came in `timeoutMs`. */
  receiveWithin(timeoutMs: number): Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>
  /**
   * Around a batch, where it saves no system call: the floor in C, too, publishes a ring's messages by the
   * batch, and makes one system call a message everywhere else.
   */
  cork?(): void
  uncork?(): void
}

/** A port whose calls all return when they are done: an exchange over it makes no promise, and looks for none. */
export interface BlockingPort extends Port {
  readonly blocks: true
  send(data: Uint8Array): undefined
  receive(): Uint8Array | null
}

export const blocks = (port: Port): port is BlockingPort => port.blocks === true

/** `bytes`: the longest message that will be received. With `adaptive` the adapter itself spins before it blocks. */
export function portOver(channel: Channel, wait: WaitMode, bytes: number): Port {
  if (wait === 'poll') return eventLoopPort(channel)
  const { sync } = channel
  if (sync === undefined) throw new IpcError('ERR_IPC_UNAVAILABLE', 'the channel has no sync facet', { adapter: channel.adapter })
  const port = wait === 'spin' ? spinningPort(channel, sync, bytes) : blockingPort(channel, sync, bytes)
  return channel.zeroCopy === undefined ? port : Object.assign(port, { cork: () => channel.cork(), uncork: () => channel.uncork() })
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

/** What a call that fills `target` answered, as a message. */
function taker(channel: Channel, target: Bytes): (n: number) => Uint8Array | null {
  return (n) => {
    if (n === target.length) return target
    if (n >= 0) return target.subarray(0, n)
    if (n === Result.END) return null
    if (n === Result.TARGET_SIZE)
      throw new IpcError('ERR_IPC_TARGET_SIZE', `a message of more than ${target.length} bytes arrived`, { adapter: channel.adapter })
    throw resultError(n, { adapter: channel.adapter })
  }
}

function blockingPort(channel: Channel, sync: SyncFacet, bytes: number): BlockingPort {
  const target: Bytes = new Uint8Array(bytes)
  const taken = taker(channel, target)
  return {
    blocks: true,
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

/** Asks again and again, and blocks once nothing has come for long: between rounds nobody spins. */
function spinningPort(channel: Channel, sync: SyncFacet, bytes: number): BlockingPort {
  const target: Bytes = new Uint8Array(bytes)
  const taken = taker(channel, target)
  const spin = (ms: number): number => {
    const end = performance.now() + ms
    do {
      for (let i = 0; i < TRIES; i++) {
        const n = channel.tryReceiveInto(target)
        if (n !== Result.WOULD_BLOCK) return n
      }
    } while (performance.now() < end)
    return Result.WOULD_BLOCK
  }
  return {
    blocks: true,
    send(data) {
      sync.send(data)
      return undefined
    },
    receive() {
      let n = channel.tryReceiveInto(target)
      if (n === Result.WOULD_BLOCK) n = spin(SPIN_MS)
      return taken(n === Result.WOULD_BLOCK ? sync.receiveInto(target) : n)
    },
    receiveWithin(timeoutMs) {
      const n = spin(timeoutMs)
      return n === Result.WOULD_BLOCK ? undefined : taken(n)
    },
  }
}
