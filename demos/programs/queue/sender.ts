import { joinParent, openSender } from 'ipc-playground'

const [name = ''] = process.argv.slice(2)
const parent = await joinParent()
const jobs = await openSender(`mq://${name}`)
for (const [priority, text] of [
  [1, 'sweep the floor'],
  [9, 'put out the fire'],
  [1, 'water the flowers'],
] as const)
  await jobs.send(new TextEncoder().encode(text), { priority })
await jobs.close()
await parent.close()
