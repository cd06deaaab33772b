import { joinParent, openSemaphore } from 'ipc-playground'

const [name = ''] = process.argv.slice(2)
const parent = await joinParent()
using semaphore = await openSemaphore(name, { permits: 2, create: 'if-missing' })
{
  using _permit = await semaphore.acquire({ timeout: 60_000 })
  await parent.send(new Uint8Array()) // it works
  await parent.receive() // until it is told to be done
}
await parent.close()
