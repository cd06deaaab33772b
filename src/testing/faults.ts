/** What can befall one side of a pair in memory. */
import type { IpcError } from '../core/errors.js'

/**
 * When a side is killed: at once; before anything of its next write has left; when half of its next write has left
 * (of a message that the mechanism keeps whole: nothing); right after its next write; right after its next read, before
 * it can answer.
 */
export type KillPoint = 'now' | 'before-send' | 'in-send' | 'after-send' | 'after-receive'

/** The faults of one side. None of them waits or counts time: each takes effect at the call that meets it. */
export interface Faults {
  /**
   * While true, the mechanism has no room for what this side sends, however much there is: `trySend` answers
   * WOULD_BLOCK, `send` waits, and beyond `maxQueuedBytes` rejects with ERR_IPC_FULL. What was taken before still arrives.
   */
  full: boolean
  /** The most bytes that one read or write of a byte stream moves on this side: a short read, a short write. Default: no limit. */
  chunk: number
  /** Writes of this side that found room. Over a kernel each would have been a system call. */
  readonly writes: number

  /**
   * From now on what this side sends is on its way: it is taken, `send` settles, it counts as what the mechanism
   * holds, and the other side does not see it before `release`.
   */
  delay(): void
  /** How many writes (of a pair over `'message'`: messages) are on their way. */
  readonly delayed: number
  /** Lets the oldest `count` arrive and goes on delaying; without a number lets all arrive and delays no more. */
  release(count?: number): void
  /**
   * Changes the order of what is on its way: `reorder([2, 0, 1])` puts the third before the first and the second.
   * @throws TypeError where the pair was not made with `order: 'none'`, as no such mechanism does it;
   *         RangeError where `order` does not name each delayed message once
   */
  reorder(order: readonly number[]): void

  /**
   * The connection breaks, in both directions, as soon as this side has written `afterBytes` more. What was written
   * before is received; then follows the end, or, where a message was cut, ERR_IPC_PEER_GONE and no part of it. Sends of
   * both sides reject with ERR_IPC_PEER_GONE. Over a byte stream that carries messages, each has 4 bytes in front of it.
   */
  cut(afterBytes?: number): void
  /**
   * This side's process is gone, at the point named. The other reads what was sent, then the end; it is ERR_IPC_PEER_GONE
   * where a message was cut, or where the killed side had unread input, as over sockets. Its sends reject with
   * ERR_IPC_PEER_GONE. What still calls the killed side gets ERR_IPC_CLOSED.
   */
  kill(at?: KillPoint): void
  /** Every following call of this side fails with `error`, as where the mechanism itself breaks. */
  fail(error: IpcError): void
}
