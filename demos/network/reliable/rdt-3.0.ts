/**
 * rdt 3.0: over a channel that loses, too. Who hears nothing for too long sends again. Kurose and Ross, figure 3.15; the
 * receiver is that of rdt 2.2.
 */
import { AlternatingSender } from './alternating.js'
import type { Channel, Protocol } from './machine.js'
import { rdt22 } from './rdt-2.2.js'

export const rdt30: Protocol = {
  sender(channel) {
    const timed: Pick<Channel, 'send'> = {
      send(segment) {
        channel.send(segment)
        timer.start()
      },
    }
    const sender = new AlternatingSender(timed, (answer) => {
      // Corrupt, or of the packet before: the timer will tell.
      if (answer?.sequence !== sender.sequence) return
      timer.stop()
      sender.advance()
    })
    const timer = channel.timer(() => sender.sendAgain())
    return sender
  },

  receiver: rdt22.receiver,
}
