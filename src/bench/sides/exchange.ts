/** Round trips and throughput: one other side, in lock step. */
import { pinger } from '../exchanges.js'
import type { Order } from '../order.js'
import { startOtherSide } from '../other-side.js'
import type { Side } from '../side.js'

export async function start(order: Order): Promise<Side> {
  const { port, others, close } = await startOtherSide(order)
  const side = pinger(port, order.trial)
  return {
    others,
    get batch() {
      return side.batch
    },
    run: (durationMs) => side.run(durationMs),
    warmedUp: (run) => side.warmedUp(run),
    times: () => side.times(),
    close,
  }
}
