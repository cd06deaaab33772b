import { type Channel, joinParent, Result } from 'ipc-playground'

async function pong(channel: Channel): Promise<void> {
  const buffer = new Uint8Array(64)
  for (;;) {
    channel.cork()
    let n = channel.tryReceiveInto(buffer)
    for (; n >= 0; n = channel.tryReceiveInto(buffer))
      while (channel.trySend(buffer.subarray(0, n)) === Result.WOULD_BLOCK) {
        channel.uncork()
        await channel.waitWritable()
        channel.cork()
      }
    channel.uncork()
    if (n === Result.END || !(await channel.waitReadable())) return
  }
}

const channel = await joinParent()
await pong(channel)
await channel.close()
