/** Starts the other side of a trial: a process, or a thread, with a port to it. */
import type { AdapterId } from '../core/channel.js'
import { spawnPeer } from '../core/spawn.js'
import type { Order } from './order.js'
import { PEER } from './peers/peer.js'
import { type Port, portOver } from './port.js'

/** Milliseconds for the other side to see the end and go. */
const FAREWELL_MS = 1000

export interface OtherSide {
  readonly port: Port
  /** The other processes whose cost counts. */
  readonly others: readonly number[]
  close(): Promise<void>
}

export async function startOtherSide(order: Order): Promise<OtherSide> {
  const { trial } = order
  if (trial.mechanism === PEER) return (await import('./peers/side.js')).startPeer(order)
  const peer = await spawnPeer(new URL(order.echo), {
    adapter: trial.adapter as AdapterId,
    thread: trial.thread,
    args: [JSON.stringify(order)],
    // A peer that blocks in a mechanism without an end never learns that this is over.
    killAfter: trial.wait !== 'poll' && !trial.ends ? 0 : FAREWELL_MS,
  })
  return {
    port: portOver(peer.channel, trial.wait, Math.max(trial.payloadBytes, trial.ackBytes)),
    others: trial.thread ? [] : [peer.pid],
    close: async () => peer[Symbol.asyncDispose](),
  }
}
