import { joinParent } from 'ipc-playground'

const parent = await joinParent()
for (let i = 0; i < 100; i++) await parent.send(new Uint8Array(64))
await parent.close()
