/** The other side of many idle channels: connects wherever it is told to, and echoes on each channel. */
import { connect } from '../core/rendezvous.js'
import { joinParent } from '../core/spawn.js'
import { answer } from './exchanges.js'
import { armWatchdog, fail, orderOf } from './order.js'
import { place } from './placement.js'
import { portOver } from './port.js'

/** Less than the measuring side waits for one. */
const CONNECT_MS = 800

const order = orderOf(process.argv)
const { trial, processors } = order
try {
  place(processors.pong)
  armWatchdog(order)
  const control = await joinParent()
  for await (const address of control) {
    const why = await connect(Buffer.from(address).toString(), { timeout: CONNECT_MS }).then(
      (channel) => {
        answer(portOver(channel, trial.wait, trial.payloadBytes), trial).catch(() => channel.destroy())
        return ''
      },
      (error: Error) => error.message,
    )
    await control.send(Buffer.from(why))
  }
  process.exit() // with every channel
} catch (error) {
  fail(error)
}
