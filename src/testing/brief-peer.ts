/** A peer that answers one message, and ends. */
import { joinParent } from '../core/spawn.js'

const channel = await joinParent()
const message = await channel.receive()
if (message !== null) await channel.send(message)
await channel.close()
