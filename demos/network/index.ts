/** The stories of the network lab, in the order in which they build on each other. */
import type { NetworkStory } from '../../src/lab/story.js'
import congestion from './congestion.js'
import tcpStates from './tcp-states.js'

export const stories: readonly NetworkStory[] = [tcpStates, congestion]
