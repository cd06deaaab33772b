import { listen } from 'ipc-playground'

const [address = ''] = process.argv.slice(2)
const server = await listen(address)
for await (const channel of server) {
  const question = await channel.receive()
  if (question !== null) await channel.send(new TextEncoder().encode(`${new TextDecoder().decode(question)} 42`))
  await channel.receive() // its end
  break
}
await server.close()
