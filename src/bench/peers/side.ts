/** The measuring side of a trial over a peer. */
import { fail, type Order } from '../order.js'
import type { OtherSide } from '../other-side.js'
import { peerById } from './index.js'
import { meetingOf } from './meeting.js'
import { Starter } from './start.js'

export async function startPeer(order: Order): Promise<OtherSide> {
  const starter = new Starter(order)
  starter.onLost = (reason) => fail(new Error(reason))
  const link = await peerById(order.trial.adapter).offer(meetingOf(order.trial, 'ping'), starter)
  return {
    port: link.port,
    others: [starter.pid, link.broker].filter((pid) => pid !== undefined),
    async close() {
      await starter.end()
      await link.close()
    },
  }
}
