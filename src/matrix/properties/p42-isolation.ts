import type { Actor } from '../../stage/actor.js'
import type { Constant } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { type Offer, offer, offerAbstract, SEPARATIONS } from './encounter.js'
import { defineProperty, type Experiment, each, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** The namespaces from which nobody reaches the offer; a peer that is in none of its own does. */
async function isolating(stage: Stage, made: Offer, peer: () => Promise<Actor>): Promise<string> {
  if (!(await made.reachedBy(await peer()))) return 'nobody reaches it'
  const found: string[] = []
  for (const [name, separate] of Object.entries(SEPARATIONS)) {
    stage.intend(`A peer with a ${name} namespace of its own.`)
    if (!(await made.reachedBy(await separate(stage, await peer(), made)))) found.push(name)
  }
  return found.join(' and ') || 'none'
}

const ofName: Experiment = async (stage, { key }) => isolating(stage, await offer(stage, key), () => stage.actor('peer'))

const ofFolder: Experiment = async (stage, subject) => {
  const made = await offer(stage, subject.key)
  const found = await isolating(stage, made, () => stage.actor('peer'))
  return found === 'mount' ? `mount (${made.folder})` : found
}

/** The descriptor goes with the process, whatever it leaves. */
const ofDescriptor: Experiment = async (stage, { key }) => {
  const made = await offer(stage, key)
  return isolating(stage, made, () => made.owner.spawn('peer'))
}

const ofUnix =
  (type: Constant): Experiment =>
  async (stage, subject) => {
    const path = await ofName(stage, subject)
    stage.intend('A name that is no path.')
    const abstract = await isolating(stage, await offerAbstract(stage, type), () => stage.actor('peer'))
    return `path: ${path}; abstract: ${abstract}`
  }

export default defineProperty({
  id: 'P42',
  name: 'isolation',
  experiments: {
    ...each(['pipe', 'memfd'], ofDescriptor),
    ...each(['fifo', 'svshm', 'tcp', 'udp', 'mcast', ...QUEUES, ...SIGNALS], ofName),
    ...each([...SEMAPHORES, 'pshm'], async (stage, subject) => (subject.key === 'svsem' ? ofName : ofFolder)(stage, subject)),
    ustream: ofUnix(K.SOCK_STREAM),
    udgram: ofUnix(K.SOCK_DGRAM),
    useq: ofUnix(K.SOCK_SEQPACKET),
  },
})
