/** A story of the network: what is predicted, played between real kernels, seen, and where it is written. */
import { Company } from '../stage/company.js'
import { Skip } from '../stage/stage.js'
import type { Step } from '../stage/story.js'
import { Lab, Refuted } from './lab.js'
import type { Trace } from './trace.js'

export interface NetworkStory {
  /** As in `make lab-NAME`. */
  readonly name: string
  readonly title: string
  readonly prediction: string
  /** Where it is written: RFCs and manual pages. */
  readonly citation: string
  /** Over 5 s: played by `make test FULL=1` alone. */
  readonly slow?: boolean
  /** Throws `Skip` where this machine cannot, `Refuted` where the kernel does otherwise. */
  play(lab: Lab): Promise<void>
}

export const defineStory = (story: NetworkStory): NetworkStory => story

export interface StoryResult {
  readonly name: string
  readonly title: string
  readonly prediction: string
  readonly citation: string
  /** `refuted`: the kernel did otherwise. `failed`: the story did not come to its end. */
  readonly verdict: 'as predicted' | 'refuted' | 'skipped' | 'failed'
  readonly reason?: string
  readonly trace: Trace
  readonly ms: number
}

export interface StoryOptions {
  readonly onStep?: (step: Step) => void
  /** Rejects the run; every process and namespace of it is gone when it does. */
  readonly signal?: AbortSignal
}

/** Plays it, and clears everything away. Never rejects but by `signal`. */
export async function playStory(story: NetworkStory, { onStep, signal }: StoryOptions = {}): Promise<StoryResult> {
  signal?.throwIfAborted()
  const began = performance.now()
  const company = await Company.gather()
  const lab = new Lab(company, onStep)
  const end = await ending(story, lab, signal)
  return {
    name: story.name,
    title: story.title,
    prediction: story.prediction,
    citation: story.citation,
    ...end,
    trace: lab.recorder.trace(story.name, story.title, lab.backend),
    ms: Math.round(performance.now() - began),
  }
}

async function ending(story: NetworkStory, lab: Lab, signal: AbortSignal | undefined): Promise<Pick<StoryResult, 'verdict' | 'reason'>> {
  const over = new AbortController()
  try {
    const played = story.play(lab)
    played.catch(() => {}) // it may fail of what ends it
    await Promise.race([
      played,
      new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })),
    ])
    return { verdict: 'as predicted' }
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return { verdict: error instanceof Skip ? 'skipped' : error instanceof Refuted ? 'refuted' : 'failed', reason }
  } finally {
    over.abort()
    await lab.clear()
    await lab.stage.company.close()
  }
}
