/** What the other side of a trial does, in whatever module. */
import type { Channel } from '../core/channel.js'
import { isIpcError } from '../core/errors.js'
import { joinParent } from '../core/spawn.js'
import { answer } from './exchanges.js'
import { tellingGarbage } from './garbage.js'
import { armWatchdog, fail, orderOf } from './order.js'
import { place } from './placement.js'
import { portOver } from './port.js'

/** Joins, answers until the channel ends, and closes. `through` may wrap the channel. */
export async function serveTrial(through: (channel: Channel) => Channel = (channel) => channel): Promise<void> {
  const order = orderOf(process.argv)
  const { trial, processors, garbageOf } = order
  try {
    place(processors.pong)
    armWatchdog(order)
    const channel = through(await joinParent())
    const port = portOver(channel, trial.wait, trial.payloadBytes)
    await answer(garbageOf === undefined ? port : tellingGarbage(port, garbageOf), trial).catch((error) => {
      // Where the mechanism has no end, this is how the other side's end shows.
      if (!(isIpcError(error) && error.code === 'ERR_IPC_PEER_GONE')) throw error
    })
    channel.destroy()
  } catch (error) {
    fail(error)
  }
}
