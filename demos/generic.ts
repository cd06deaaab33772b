/** The story of any mechanism that has none of its own. */
import { mappings, sleepers } from './support/kernel.js'
import { tell } from './support/story.js'

await tell('', async (story) => {
  const { child, changes } = story
  const look = () =>
    [
      ...changes.shared(child),
      mappings(child, process.pid),
      changes.unread(),
      changes.files('/dev/shm'),
      ...(['/proc/sysvipc/msg', '/proc/sysvipc/sem', '/proc/sysvipc/shm'] as const).map((table) => changes.rows(table)),
      sleepers(child),
    ].filter(({ lines }) => lines.length > 0)
  await story.exchange(look)
  await story.freeze(look)
})
