/** The stories of the network lab, in the order in which they build on each other. */
import type { NetworkStory } from '../../src/lab/story.js'
import addresses from './addresses.js'
import arp from './arp.js'
import broadcast from './broadcast.js'
import c10k from './c10k.js'
import channel from './channel.js'
import congestion from './congestion.js'
import encapsulation from './encapsulation.js'
import ioModels from './io-models.js'
import ioReadiness from './io-readiness.js'
import multicast from './multicast.js'
import multicastTtl from './multicast-ttl.js'
import nat from './nat.js'
import tcpStates from './tcp-states.js'
import unixSockets from './unix-sockets.js'

export const stories: readonly NetworkStory[] = [
  addresses,
  arp,
  encapsulation,
  nat,
  tcpStates,
  congestion,
  multicast,
  multicastTtl,
  broadcast,
  unixSockets,
  ioModels,
  ioReadiness,
  c10k,
  channel,
]
