import { setImmediate as turn } from 'node:timers/promises'
import type { Channel } from 'ipc-playground'

const MOST_BYTES = 256
/** A settled promise is no turn of the event loop: without one now and then no timer would run. */
const BATCH = 16

/** Sends and receives as fast as it goes, until each direction ends: what ended them; `null` is the end that was told. */
export async function busy(channel: Channel): Promise<{ sending: unknown; receiving: unknown }> {
  const { min, max } = channel.capabilities.payload
  const data = new Uint8Array(Math.min(Math.max(MOST_BYTES, min), max))
  const send = async () => {
    for (let sent = 1; ; sent++) {
      await channel.send(data)
      if (sent % BATCH === 0) await turn()
    }
  }
  const receive = async () => {
    for (let received = 1; (await channel.receive()) !== null; received++) if (received % BATCH === 0) await turn()
    return null
  }
  const [sending, receiving] = await Promise.all([send().catch((error) => error), receive().catch((error) => error)])
  return { sending, receiving }
}
