/** Four processes count in one file, and none of the counts is lost; one of them is killed while it holds the lock. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMutex, spawnPeer } from 'ipc-playground'

const folder = mkdtempSync(join(tmpdir(), 'lock-file-'))
const file = join(folder, 'state.json')
writeFileSync(file, '{"count":0}')

const worker = (...args: string[]) => spawnPeer(new URL('./worker.js', import.meta.url), { args: [file, ...args] })
const counters = await Promise.all([1, 2, 3, 4].map(() => worker('50')))
for (const counter of counters) await counter.channel.receive()
console.log(`4 processes counted to 50 each: ${readFileSync(file)}`)

const holder = await worker('hold')
await holder.channel.receive()
{
  using mutex = await openMutex({ file })
  console.log(`while it is held: ${mutex.tryAcquire()}`)
  process.kill(holder.pid, 'SIGKILL')
  await mutex.withLock((lock) => console.log(`after the holder was killed: recovered ${lock.recovered}`))
  await mutex.withLock((lock) => console.log(`and from then on: recovered ${lock.recovered}`))
}
for (const peer of [holder, ...counters]) await peer[Symbol.asyncDispose]()
rmSync(folder, { recursive: true })
