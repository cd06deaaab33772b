/** A FIFO: a pipe with a name in the file system, where unrelated processes meet. fifo(7) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Address, openReceiver, openSender } from 'ipc-playground'
import { runFolder } from '../src/core/janitor.js'
import { sleepers } from './support/kernel.js'
import { shell } from './support/shell.js'
import { type Story, tell } from './support/story.js'

await tell('fifo', async (story) => {
  const { child, changes } = story
  await story.exchange(() => [changes.unread()])
  story.me.says('two FIFOs, one a direction; their names are gone, now that both sides have opened them')
  story.me.shows(...changes.shared(child), sleepers(child))
  const look = () => [changes.unread()]
  await story.freeze(look)
  await story.fill(look)
  await withShell(story)
})

async function withShell({ adapter, me }: Story): Promise<void> {
  me.title('With a shell on the other end')
  const path = join(runFolder(), `demo-${process.pid}`)
  const address = { adapter: adapter.id, path } as Address

  const receiver = await openReceiver(address, { create: 'exclusive' })
  me.says(`opens ${path} for reading`)
  const echo = shell(`ls -l ${path}; echo hello > ${path}`)
  const data = await receiver.receive()
  me.shows(await echo.ended)
  me.says(`receives ${JSON.stringify(new TextDecoder().decode(data ?? new Uint8Array()))} from the shell ${echo.pid}`)
  if ((await receiver.receive()) === null) me.says('receives the end: the last writer has gone')
  await receiver.close()

  const opened = openSender(address, { create: 'exclusive' })
  while (!existsSync(path)) await Promise.race([turn(), opened])
  me.says(`makes ${path} again; to open it for writing waits for a reader`)
  const cat = shell(`cat ${path}`)
  const sender = await opened
  me.says(`opens it for writing; cat is the reader, started by the shell ${cat.pid}`)
  await sender.send(new TextEncoder().encode(`hello, cat; here is ${process.pid}\n`))
  await sender.close()
  me.shows(await cat.ended)
}
