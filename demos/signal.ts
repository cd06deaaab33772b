/** A signal: the kernel marks it pending in the target; real-time signals queue, each with a word. signal(7) */
import { openReceiver } from 'ipc-playground'
import { adapterById } from '../src/core/registry.js'
import { pending, sleepers, status } from './support/kernel.js'
import { shell } from './support/shell.js'
import { type Story, tell } from './support/story.js'

await tell('signal', async (story) => {
  const { child } = story
  await story.exchange(() => [status(process.pid, 'SigQ', 'SigPnd', 'ShdPnd')])
  story.me.shows(sleepers(child), status(child, 'SigBlk', 'SigIgn', 'SigCgt'))
  await story.freeze(() => [status(child, 'State', 'SigQ', 'SigPnd', 'ShdPnd'), pending(child)])
  await withShell(story)
})

/** `kill` of a shell reaches us like any other sender. */
async function withShell({ me }: Story): Promise<void> {
  const standard = await adapterById('signal/standard')
  if (standard.openReceiver === undefined || standard.unavailable() !== undefined) return
  me.title('With a shell on the other end')
  const receiver = await openReceiver(`${standard.scheme}://${process.pid}`)
  try {
    const kill = shell(`kill -USR2 ${process.pid}`)
    const message = await receiver.receiveMessage()
    me.shows(await kill.ended)
    if (message !== null)
      me.says(`receives SIGUSR2${typeof message.from === 'object' ? ` from ${message.from.pid}` : ''}, sent by the shell ${kill.pid}`)
  } finally {
    await receiver.close()
  }
}
