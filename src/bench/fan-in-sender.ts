/** One of several senders: it is told over a channel of its own when to send, and answers with what it has sent. */

import type { Channel } from '../core/channel.js'
import { connect, openSender } from '../core/rendezvous.js'
import { joinParent } from '../core/spawn.js'
import { pinger } from './exchanges.js'
import { armWatchdog, fail, orderOf } from './order.js'
import { place } from './placement.js'
import { portOver } from './port.js'
import { SharedSender } from './shared.js'

const order = orderOf(process.argv)
const { trial, processors } = order
try {
  place(processors.pong)
  armWatchdog(order)
  const control = await joinParent()
  const tell = (data: unknown) => control.send(Buffer.from(JSON.stringify(data)))
  // With a number of its own it shares an object with the others, else it has a connection.
  const [address = '', index] = process.argv.slice(3)
  const channel = index === undefined ? await connect(address) : await openSender(address)
  const side =
    index === undefined
      ? pinger(portOver(channel as Channel, trial.wait, trial.ackBytes), trial)
      : new SharedSender(channel, trial, Number(index))
  await tell('connected')
  for await (const word of control) await tell(await side.run(Number(Buffer.from(word).toString())))
  channel.destroy()
} catch (error) {
  fail(error)
}
