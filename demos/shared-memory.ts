/** Shared memory: the same pages in two processes. Nothing is copied through the kernel, which only wakes who sleeps. shm_overview(7) */
import { mappings, sleepers } from './support/kernel.js'
import { shell } from './support/shell.js'
import { type Story, tell } from './support/story.js'

await tell('shared-memory', async (story) => {
  const { child, changes } = story
  const objects = () => [changes.files('/dev/shm'), changes.rows('/proc/sysvipc/shm')].filter(({ lines }) => lines.length > 0)
  await story.exchange(objects)
  if (story.oneProcess) story.me.says('the two sides are threads: the memory is one SharedArrayBuffer')
  else story.me.shows(mappings(process.pid, child), mappings(child, process.pid), ...objects(), sleepers(child))
  await story.freeze(() => [...objects(), sleepers(child)])
  await inPlace(story)
  if (story.adapter.id.endsWith('/sysv')) story.me.shows(await shell('ipcs -m').ended)
})

async function inPlace({ channel, me }: Story): Promise<void> {
  if (channel.zeroCopy === undefined) return
  me.title('Without a copy')
  const text = new TextEncoder().encode('written in place')
  const claim = await channel.zeroCopy.claim(text.length)
  me.says(`claims ${claim.data.length} bytes of the memory that both have mapped, and writes there`)
  claim.data.set(text)
  claim.commit()
  const loan = await channel.zeroCopy.borrow()
  if (loan === null) return
  me.says(`reads the answer where it lies: '${new TextDecoder().decode(loan.data)}'`)
  loan.release()
}
