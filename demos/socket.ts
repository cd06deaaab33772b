/** A socket: both ways, between processes or machines. socket(7), unix(7), tcp(7) */
import { type Address, listen } from 'ipc-playground'
import { runFolder } from '../src/core/janitor.js'
import { sleepers, type Table } from './support/kernel.js'
import { installed, shell } from './support/shell.js'
import { type Story, tell } from './support/story.js'

const TABLES: readonly Table[] = ['/proc/net/unix', '/proc/net/tcp', '/proc/net/udp', '/proc/net/igmp']

await tell('socket', async (story) => {
  const { child, changes } = story
  const ours = new Set(changes.descriptors().map(({ target }) => /^socket:\[(\d+)\]$/.exec(target)?.[1]))
  const mine = (row: string) => row.split(/\s+/).some((field) => ours.has(field))
  await story.exchange(() => [changes.unread()])
  story.me.says("this process's sockets; the unix one without a path is the lifeline, by which each side learns of the other's death")
  story.me.shows(...TABLES.map((table) => changes.rows(table, mine)).filter(({ lines }) => lines.length > 0), sleepers(child))
  await story.freeze(() =>
    TABLES.slice(1, 3)
      .map((table) => changes.rows(table, mine))
      .filter(({ lines }) => lines.length > 0),
  )
  await withNetcat(story)
})

/** A byte stream to which netcat connects: our side speaks it raw. */
async function withNetcat({ adapter, me }: Story): Promise<void> {
  if (adapter.temporary === undefined || adapter.listen === undefined || adapter.capabilities.framing !== 'stream') return
  me.title('With netcat on the other end')
  const server = await listen({ adapter: adapter.id, ...adapter.temporary(runFolder()) } as Address, { framing: 'stream' })
  try {
    const command = clientOf(new URL(server.address))
    if (command === undefined) {
      me.says('neither nc nor socat is installed; with one of them a shell would talk to us here')
      return
    }
    me.says(`listens at ${server.address}`)
    const client = shell(command, 'hello\n')
    for await (const channel of server) {
      me.says(`accepts ${channel.peer === undefined ? 'a connection' : `the process ${channel.peer.pid}`}`)
      const data = await channel.receive()
      me.says(`receives ${JSON.stringify(new TextDecoder().decode(data ?? new Uint8Array()))}, answers`)
      await channel.send(new TextEncoder().encode(`hello, shell; here is ${process.pid}\n`))
      await channel.close()
      break
    }
    me.shows(await client.ended)
  } finally {
    await server.close()
  }
}

function clientOf({ protocol, pathname, hostname, port }: URL): string | undefined {
  const unix = protocol === 'unix:'
  if (installed('socat')) return `socat -t 2 - ${unix ? `UNIX-CONNECT:${pathname}` : `TCP:${hostname}:${port}`}`
  if (installed('nc')) return `nc ${unix ? `-U ${pathname}` : `${hostname} ${port}`}`
  return undefined
}
