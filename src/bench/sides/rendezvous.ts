/** From the offer to the first message that a fresh other side sends back, again and again. */
import { ended } from '../exchange.js'
import { TimeHistogram } from '../histogram.js'
import type { Order } from '../order.js'
import { startOtherSide } from '../other-side.js'
import { Pattern } from '../payload.js'
import type { Side } from '../side.js'

export async function start(order: Order): Promise<Side> {
  const pattern = new Pattern(order.trial.payloadBytes)
  const round = new TimeHistogram()
  const all = new TimeHistogram()

  async function meet(): Promise<void> {
    const before = performance.now()
    const { port, close } = await startOtherSide(order)
    await port.send(pattern.message(0))
    const reply = await port.receive()
    if (reply === null) throw ended()
    pattern.check(reply, 0)
    round.record(performance.now() - before)
    await close()
  }

  return {
    others: undefined,
    batch: 1,
    async run(durationMs) {
      const begin = performance.now()
      round.reset()
      do await meet()
      while (performance.now() - begin < durationMs)
      all.add(round)
      return { count: round.count, lost: 0, elapsedMs: performance.now() - begin, p50: round.at(50) }
    },
    warmedUp: () => all.reset(),
    times: () => all,
    async close() {},
  }
}
