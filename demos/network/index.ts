/** The stories of the network lab, in the order in which they build on each other. */
import type { NetworkStory } from '../../src/lab/story.js'
import congestion from './congestion.js'
import ioModels from './io-models.js'
import ioReadiness from './io-readiness.js'
import tcpStates from './tcp-states.js'
import unixSockets from './unix-sockets.js'

export const stories: readonly NetworkStory[] = [tcpStates, congestion, unixSockets, ioModels, ioReadiness]
