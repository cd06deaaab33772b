/** Frames of 8 MB are written and read in place, in memory that two processes share. */
import { listen, spawnPeer } from 'ipc-playground'

const FRAME_BYTES = 1920 * 1080 * 4

const server = await listen({ adapter: 'shared-memory/ring', name: `demo-${process.pid}`, bytes: 2 ** 25 })
const camera = await spawnPeer(new URL('./camera.js', import.meta.url), { args: [server.address, String(FRAME_BYTES)] })
for await (const channel of server) {
  const { zeroCopy } = channel
  if (zeroCopy === undefined) throw new Error('no ring')
  for (;;) {
    using loan = await zeroCopy.borrow()
    if (loan === null) break
    console.log(`a frame of ${loan.data.length} bytes: ${loan.data[0]} … ${loan.data.at(-1)}`)
  }
  await channel.close()
}
console.log('the camera has ended')
await camera[Symbol.asyncDispose]()
