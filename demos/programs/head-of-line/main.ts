/** How long a message of one byte is on its way behind one of 100 MB: over process.send, a unix socket, and a hybrid. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { spawnPeer } from 'ipc-playground'
import { maxMessageBytes, type Name, overChannel, overProcess, type Way } from './ways.js'

const WORKER = new URL('./worker.js', import.meta.url)
const ROUNDS = 5
const [megabytes = '100'] = process.argv.slice(2)

/** Milliseconds from the send of the byte to its arrival, by the clock that all processes share, and what came first. */
async function round({ send, receive }: Way): Promise<{ milliseconds: number; byteFirst: boolean }> {
  await send(Uint8Array.of(0), false)
  const first = await receive()
  const byteFirst = first.length === 1
  if (!byteFirst) await receive()
  const arrived = process.hrtime.bigint()
  if (byteFirst) await receive()
  const sent = new BigUint64Array((await receive()).slice().buffer)[0] ?? 0n
  return { milliseconds: Number(arrived - sent) / 1e6, byteFirst }
}

async function measure(name: Name): Promise<void> {
  const args = [name, String(Number(megabytes) * 1e6)]
  const child = name === 'process.send' ? fork(fileURLToPath(WORKER), args, { serialization: 'advanced' }) : undefined
  const peer = child === undefined ? await spawnPeer(WORKER, { args, maxMessageBytes }) : undefined
  const way = child !== undefined ? overProcess(child) : await overChannel(name, (peer as NonNullable<typeof peer>).channel)
  const results: Awaited<ReturnType<typeof round>>[] = []
  for (let i = 0; i < ROUNDS; i++) results.push(await round(way))
  await way.send(new Uint8Array(), false)
  if (child !== undefined) await once(child, 'exit')
  else await way.close()
  await peer?.[Symbol.asyncDispose]()
  const sorted = results.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  const median = sorted[ROUNDS >> 1] ?? Number.NaN
  const order = results.every(({ byteFirst }) => byteFirst) ? 'before the large message' : 'behind the large message'
  console.log(`${name.padEnd(12)}  ${median.toFixed(2).padStart(8)} ms   ${order}`)
}

console.log(`A byte sent right behind ${megabytes} MB, median of ${ROUNDS}:\n`)
for (const name of ['process.send', 'socket/unix', 'hybrid'] as const) await measure(name)
