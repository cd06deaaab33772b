import type { Actor } from '../../stage/actor.js'
import { type Call, call } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { DescriptorEnd } from './descriptor-end.js'
import { opened, type Subject } from './subject.js'

const making = (path: string): Call => call('mkfifo', path, mode(0o600))

/** Makes one and answers its path. */
export async function makeFifo(stage: Stage, actor: Actor): Promise<string> {
  const path = await stage.path()
  await actor.must(making(path))
  return path
}

/** For both ways: a FIFO that is opened so waits for nobody, and is its own writer. fifo(7) */
const opening = (path: string): Call => call('open', path, K.O_RDWR, 0)

/** Opens one end that waits. Of a writer a reader has to be there. */
export async function openFifo(actor: Actor, path: string, way: 'read' | 'write'): Promise<DescriptorEnd> {
  const flags = either(way === 'read' ? K.O_RDONLY : K.O_WRONLY, K.O_NONBLOCK)
  const end = new DescriptorEnd(actor, (await actor.must(call('open', path, flags, 0))).result)
  await end.waits(true)
  return end
}

export const fifo: Subject = {
  key: 'fifo',
  title: 'FIFO',
  adapter: 'fifo/native',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const path = await makeFifo(stage, sender)
    const reading = await openFifo(receiver, path, 'read')
    return { sender: await openFifo(sender, path, 'write'), receiver: reading }
  },
  async named(stage) {
    const name = await stage.path()
    return {
      name,
      make: (actor) => actor.do(making(name)),
      find: (actor) => opened(actor, opening(name), (fd) => call('close', fd)),
      open: async (actor) => new DescriptorEnd(actor, (await actor.must(opening(name))).result),
      remove: (actor) => actor.do(call('unlink', name)),
    }
  },
}
