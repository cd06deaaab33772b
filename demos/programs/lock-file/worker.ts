import { readFile, writeFile } from 'node:fs/promises'
import { joinParent, openMutex } from 'ipc-playground'

const [file = '', part = ''] = process.argv.slice(2)
const parent = await joinParent()
using mutex = await openMutex({ file })

if (part === 'hold') {
  const lock = await mutex.acquire()
  await parent.send(new Uint8Array())
  await parent.receive() // until it is killed
  lock.release()
}
for (let i = 0; i < Number(part); i++)
  await mutex.withLock(async (lock) => {
    if (lock.recovered) console.warn('the last holder died')
    const { count } = JSON.parse(await readFile(file, 'utf8')) as { count: number }
    await writeFile(file, JSON.stringify({ count: count + 1 }))
  })
await parent.send(new Uint8Array())
await parent.close()
