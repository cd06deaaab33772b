import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { openSocket } from '../subjects/sockets.js'
import { type Offer, offer, SECOND_HOST, SEPARATIONS, wired } from './encounter.js'
import { defineProperty, type Experiment, each, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** The peer as a process of another host: it shares no network, no file system with the names, no objects and no pids. */
async function elsewhere(stage: Stage, made: Offer): Promise<Actor> {
  let peer = await stage.actor('peer')
  for (const separate of [SEPARATIONS.IPC, SEPARATIONS.network, SEPARATIONS.PID, SEPARATIONS.mount])
    peer = await separate(stage, peer, made)
  return peer
}

const onlyHere: Experiment = async (stage, { key }) => {
  const made = await offer(stage, key)
  const reached = await stage.unless(async () => ((await made.reachedBy(await elsewhere(stage, made))) ? 'yes' : undefined), {
    text: 'a peer on the same host reaches it.',
    see: async () => ((await made.reachedBy(await stage.actor('peer'))) ? 'yes' : undefined),
  })
  return reached ?? 'no'
}

/** It has no name: a process that did not inherit it can only ask the kernel's list of another's descriptors. */
const withoutName: Experiment = async (stage, { key }) => {
  const made = await offer(stage, key)
  const open = call('open', `/proc/${made.owner.pid}/fd/${made.fd}`, K.O_RDWR, 0)
  const opens = async (peer: Actor) => ((await peer.do(open)).error === undefined ? 'yes' : undefined)
  const reached = await stage.unless(
    async () => {
      const peer = await elsewhere(stage, made)
      await peer.must(call('mount', 'none', '/proc', 'proc', 0)) // that of its own processes
      return opens(peer)
    },
    { text: 'a process of the same host opens it there.', see: async () => opens(await stage.actor('peer')) },
  )
  return reached ?? 'no'
}

const overWire: Experiment = async (stage, { key }) => {
  const { first, second } = await wired(stage)
  const made = await offer(stage, key, first, SECOND_HOST)
  return (await made.reachedBy(second)) ? 'yes' : 'no'
}

export default defineProperty({
  id: 'P41',
  name: 'crosses-hosts',
  experiments: {
    ...each(['pipe', 'memfd'], withoutName),
    ...each(['fifo', 'pshm', 'svshm', 'ustream', 'udgram', 'useq', ...SEMAPHORES, ...QUEUES, ...SIGNALS], onlyHere),
    ...each(['tcp', 'udp'], overWire),
    mcast: async (stage, subject) => {
      const crosses = await overWire(stage, subject)
      const actor = await stage.actor('sender')
      const fd = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
      const ttl = new Int32Array(
        new Uint8Array((await actor.must(call('getsockopt', fd, K.IPPROTO_IP, K.IP_MULTICAST_TTL, 4))).bytes('value')).buffer,
      )
      return `${crosses}, TTL ${ttl[0]} by default`
    },
  },
})
