/** A pipe: bytes one way, through a buffer of the kernel that two related processes share. pipe(7) */
import { sleepers } from './support/kernel.js'
import { tell } from './support/story.js'

await tell('pipe', async (story) => {
  const { child, changes } = story
  await story.exchange(() => [changes.unread()])
  story.me.says('two pipes, one a direction; each side has an end of both')
  story.me.shows(...changes.shared(child), sleepers(child))
  const look = () => [changes.unread()]
  await story.freeze(look)
  await story.fill(look)
})
