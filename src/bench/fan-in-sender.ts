/** One of several senders: it is told over a channel of its own when to send, and answers with what it has sent. */
import { connect } from '../core/rendezvous.js'
import { joinParent } from '../core/spawn.js'
import { pinger } from './exchanges.js'
import { armWatchdog, fail, orderOf } from './order.js'
import { place } from './placement.js'
import { portOver } from './port.js'

const order = orderOf(process.argv)
const { trial, processors } = order
try {
  place(processors.pong)
  armWatchdog(order)
  const control = await joinParent()
  const tell = (data: unknown) => control.send(Buffer.from(JSON.stringify(data)))
  const channel = await connect(process.argv[3] ?? '')
  const side = pinger(portOver(channel, trial.wait, trial.ackBytes), trial)
  await tell('connected')
  for await (const word of control) await tell(await side.run(Number(Buffer.from(word).toString())))
  channel.destroy()
} catch (error) {
  fail(error)
}
