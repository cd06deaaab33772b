/** Plays a story once for a test file, which then asserts its trace. */
import { beforeAll, type TestContext } from 'vitest'
import { stories } from '../../demos/network/index.js'
import { playStory, type StoryResult } from '../../src/lab/story.js'
import type { Trace, TracedFrame } from '../../src/lab/trace.js'

/** Answers the trace; skips the test where this machine cannot play the story, fails it where the kernel did otherwise. */
export function played(name: string, patienceMs = 60_000): (context: TestContext) => Trace {
  let result: StoryResult | undefined
  beforeAll(async () => {
    const story = stories.find((one) => one.name === name)
    if (story === undefined) throw new Error(`there is no story ${name}`)
    if (story.slow !== true || process.env.FULL === '1') result = await playStory(story)
  }, patienceMs)
  return ({ skip }) => {
    if (result === undefined) return skip('slow: FULL=1')
    if (result.verdict === 'skipped') return skip(result.reason)
    if (result.verdict !== 'as predicted') throw new Error(`${result.verdict}: ${result.reason}`)
    return result.trace
  }
}

/** How the sockets of one side went from state to state, each as `FROM → TO`. */
export const transitions = ({ events }: Trace, side: 'A' | 'B'): readonly string[] =>
  events.flatMap((event) => (event.side === side && event.state !== undefined ? `${event.state.from ?? 'CLOSE'} → ${event.state.to}` : []))

/** The packets of one side that a filter accepts, by their text. */
export const packetsOf = ({ events }: Trace, side: 'A' | 'B'): readonly string[] =>
  events.flatMap((event) => (event.side === side && event.packet !== undefined ? event.packet.text : []))

/** The values of one name that the story followed. */
export const samplesOf = ({ events }: Trace, name: string): readonly number[] =>
  events.flatMap(({ sample }) => (sample?.name === name ? sample.value : []))

/** What the story said. */
export const notesOf = ({ events }: Trace): readonly string[] => events.flatMap(({ note }) => note ?? [])

/** The frames of an Ethernet of several hosts that a filter of their text accepts. */
export const framesOf = ({ events }: Trace, text: string): readonly (TracedFrame & { readonly from: string | undefined })[] =>
  events.flatMap(({ side, packet }) => (packet?.frame !== undefined && packet.text.includes(text) ? { from: side, ...packet.frame } : []))
