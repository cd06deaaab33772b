/**
 * Go-back-N: up to N packets under way, one timer, cumulative ACKs; the receiver keeps nothing that comes out of order.
 * Kurose and Ross, figures 3.20 and 3.21
 */
import { type Protocol, WINDOW } from './machine.js'
import type { Segment } from './segment.js'

export const goBackN: Protocol = {
  sender(channel) {
    /** By number; those below `base` were acknowledged. */
    const packets: Segment[] = []
    let base = 0
    const timer = channel.timer(() => {
      timer.start()
      for (const packet of packets.slice(base)) channel.send(packet)
    })
    return {
      get ready() {
        return packets.length < base + WINDOW
      },
      get idle() {
        return base === packets.length
      },
      send(data) {
        const packet: Segment = { kind: 'data', sequence: packets.length, data }
        channel.send(packet)
        if (base === packets.length) timer.start()
        packets.push(packet)
      },
      receive(answer) {
        if (answer?.sequence === undefined || answer.sequence < base) return
        base = answer.sequence + 1
        if (base === packets.length) timer.stop()
        else timer.start()
      },
    }
  },

  receiver(channel, deliver) {
    let expected = 0
    return {
      receive(packet) {
        if (packet?.sequence === expected) {
          deliver(packet.data ?? '')
          expected++
        }
        // Before the first there is nothing to acknowledge.
        if (expected > 0) channel.send({ kind: 'ACK', sequence: expected - 1 })
      },
    }
  },
}
