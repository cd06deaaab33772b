/**
 * Selective repeat: up to N packets under way, each with its own timer and its own ACK; the receiver keeps what comes
 * out of order. Kurose and Ross, figures 3.24 and 3.25
 */
import { type Protocol, type Timer, WINDOW } from './machine.js'
import type { Segment } from './segment.js'

export const selectiveRepeat: Protocol = {
  sender(channel) {
    /** The timers of what is under way, by number. */
    const unacknowledged = new Map<number, Timer>()
    let [base, next] = [0, 0]
    return {
      get ready() {
        return next < base + WINDOW
      },
      get idle() {
        return unacknowledged.size === 0
      },
      send(data) {
        const packet: Segment = { kind: 'data', sequence: next, data }
        const timer = channel.timer(() => {
          channel.send(packet)
          timer.start()
        })
        unacknowledged.set(next++, timer)
        channel.send(packet)
        timer.start()
      },
      receive(answer) {
        if (answer?.sequence === undefined) return
        unacknowledged.get(answer.sequence)?.stop()
        unacknowledged.delete(answer.sequence)
        while (base < next && !unacknowledged.has(base)) base++
      },
    }
  },

  receiver(channel, deliver) {
    const kept = new Map<number, string>()
    let base = 0
    return {
      receive(packet) {
        if (packet?.sequence === undefined || packet.sequence >= base + WINDOW) return
        // Also what was delivered already: its ACK did not arrive.
        channel.send({ kind: 'ACK', sequence: packet.sequence })
        if (packet.sequence >= base) kept.set(packet.sequence, packet.data ?? '')
        for (let data = kept.get(base); data !== undefined; data = kept.get(base)) {
          kept.delete(base++)
          deliver(data)
        }
      },
    }
  },
}
