import type { Channel } from '../core/channel.js'
import { isIpcError } from '../core/errors.js'

/** Waits for room where the channel's queue is full: for what a layer cannot refuse to send, and bounds by itself. */
export async function sendPatiently(channel: Channel, data: Uint8Array): Promise<void> {
  for (;;)
    try {
      return await channel.send(data)
    } catch (error) {
      if (!isIpcError(error) || error.code !== 'ERR_IPC_FULL') throw error
      await channel.waitWritable()
    }
}
