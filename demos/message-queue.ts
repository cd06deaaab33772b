/** A message queue: the kernel keeps messages, their boundaries and their priorities. mq_overview(7), sysvipc(7) */
import { type Address, openReceiver, openSender } from 'ipc-playground'
import { runFolder } from '../src/core/janitor.js'
import { sleepers } from './support/kernel.js'
import { shell } from './support/shell.js'
import { type Story, tell } from './support/story.js'

await tell('message-queue', async (story) => {
  const { child, changes } = story
  const queues = () =>
    [changes.queues(), changes.rows('/proc/sysvipc/msg'), changes.files('/dev/mqueue')].filter(({ lines }) => lines.length > 0)
  await story.exchange(queues)
  story.me.shows(...queues(), sleepers(child))
  await story.freeze(queues)
  await openly(story)
})

/** A queue with a name of our own, as any program would open it. */
async function openly({ adapter, me, changes }: Story): Promise<void> {
  if (adapter.temporary === undefined || adapter.openReceiver === undefined) return
  me.title('A queue that outlives who wrote to it')
  const address = { adapter: adapter.id, ...adapter.temporary(runFolder()) } as Address
  const receiver = await openReceiver(address, { create: 'exclusive' })
  try {
    const sender = await openSender(address)
    const priorities = adapter.capabilities.priority ? [1, 9, 5] : [0, 0, 0]
    for (const [i, priority] of priorities.entries()) {
      me.says(`sends 'job ${i + 1}'${priority === 0 ? '' : ` with priority ${priority}`}`)
      await sender.send(new TextEncoder().encode(`job ${i + 1}`), { priority })
    }
    await sender.close()
    me.says('the sender has closed; the messages are in the kernel')
    me.shows(...[changes.queues(), changes.rows('/proc/sysvipc/msg')].filter(({ lines }) => lines.length > 0))
    if (adapter.id.endsWith('/sysv')) me.shows(await shell('ipcs -q').ended)
    for (const _ of priorities) {
      const message = await receiver.receiveMessage()
      if (message !== null)
        me.says(`receives '${new TextDecoder().decode(message.data)}'${message.priority === 0 ? '' : `, priority ${message.priority}`}`)
    }
  } finally {
    await receiver.close()
  }
}
