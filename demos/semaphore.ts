/** A semaphore: a number that the kernel lets nobody take below zero. It carries events, no bytes. sem_overview(7), semop(2) */
import { mappings, sleepers } from './support/kernel.js'
import { shell } from './support/shell.js'
import { tell } from './support/story.js'

await tell('semaphore', async (story) => {
  const { child, changes } = story
  const objects = () =>
    [mappings(child, process.pid), changes.files('/dev/shm'), changes.rows('/proc/sysvipc/sem')].filter(({ lines }) => lines.length > 0)
  await story.exchange(objects)
  story.me.says('a thread of each side sleeps in the kernel until its semaphore is above zero')
  story.me.shows(...objects(), sleepers(child))
  await story.freeze(() => [...objects(), sleepers(child)])
  if (story.adapter.id.endsWith('/sysv')) story.me.shows(await shell('ipcs -s').ended)
})
