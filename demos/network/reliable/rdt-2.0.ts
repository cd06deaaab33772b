/**
 * rdt 2.0: over a channel that corrupts, and loses nothing. The receiver says whether a packet came whole. Kurose and
 * Ross, figure 3.10. It does not say what a sender does whose ACK came corrupt: not to lose data, this one sends again.
 */
import type { Protocol } from './machine.js'
import type { Segment } from './segment.js'

export const rdt20: Protocol = {
  sender(channel) {
    let state: 'wait for call' | 'wait for ACK or NAK' = 'wait for call'
    let packet: Segment
    return {
      get ready() {
        return state === 'wait for call'
      },
      get idle() {
        return state === 'wait for call'
      },
      send(data) {
        packet = { kind: 'data', data }
        channel.send(packet)
        state = 'wait for ACK or NAK'
      },
      receive(answer) {
        if (state === 'wait for call') return
        if (answer?.kind === 'ACK') state = 'wait for call'
        else channel.send(packet)
      },
    }
  },

  receiver: (channel, deliver) => ({
    receive(packet) {
      if (packet === undefined) {
        channel.send({ kind: 'NAK' })
        return
      }
      deliver(packet.data ?? '')
      channel.send({ kind: 'ACK' })
    },
  }),
}
