/**
 * rdt 2.1: packets are numbered 0 and 1 by turns, so that the receiver knows one that was sent again. Kurose and Ross,
 * figures 3.11 and 3.12
 */
import { AlternatingSender, alternatingReceiver } from './alternating.js'
import type { Protocol } from './machine.js'

export const rdt21: Protocol = {
  sender: (channel) =>
    new AlternatingSender(channel, (answer, sender) => {
      if (answer?.kind === 'ACK') sender.advance()
      else sender.sendAgain()
    }),

  receiver: (channel, deliver) =>
    alternatingReceiver(deliver, (packet) => {
      channel.send({ kind: packet === undefined ? 'NAK' : 'ACK' })
    }),
}
