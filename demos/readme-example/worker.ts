import { joinParent } from 'ipc-playground'

const channel = await joinParent()
for await (const message of channel) {
  const text = new TextDecoder().decode(message)
  await channel.send(new TextEncoder().encode(text.toUpperCase()))
}
await channel.close()
