import { listen } from 'ipc-playground'

const server = await listen(process.argv[2])
console.log(`listening at ${server.address}`)
for await (const channel of server) {
  for await (const message of channel) await channel.send(new TextEncoder().encode(new TextDecoder().decode(message).toUpperCase()))
  await server.close() // one peer is enough here
}
