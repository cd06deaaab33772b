/** rdt 2.2: without NAK. An ACK for the packet before says the same. Kurose and Ross, figures 3.13 and 3.14 */
import { AlternatingSender, alternatingReceiver } from './alternating.js'
import type { Protocol } from './machine.js'

export const rdt22: Protocol = {
  sender: (channel) =>
    new AlternatingSender(channel, (answer, sender) => {
      if (answer?.sequence === sender.sequence) sender.advance()
      else sender.sendAgain()
    }),

  receiver: (channel, deliver) =>
    alternatingReceiver(deliver, (_, last) => {
      channel.send({ kind: 'ACK', sequence: last })
    }),
}
