/** What the network lab leaves: `lab.json`, from which its page and its text are made. Pure. */
import type { StoryResult } from '../lab/story.js'

export const LAB_VERSION = 1

export interface LabReport {
  readonly version: typeof LAB_VERSION
  /** ISO 8601, of the newest story. */
  readonly createdAt: string
  /** In the order in which they build on each other. */
  readonly stories: readonly StoryResult[]
}

export const LAB_SYMBOLS: Readonly<Record<StoryResult['verdict'], string>> = {
  'as predicted': '✓',
  refuted: '✗',
  skipped: '–',
  failed: '!',
}

/** Every verdict, each counted apart. */
export const countsOfStories = (
  stories: readonly StoryResult[],
): readonly { readonly verdict: StoryResult['verdict']; readonly count: number }[] =>
  (Object.keys(LAB_SYMBOLS) as StoryResult['verdict'][]).map((verdict) => ({
    verdict,
    count: stories.filter((story) => story.verdict === verdict).length,
  }))

/** The stories of `played` in place of those of the same name; `order` names all there are. */
export function mergeStories(
  old: LabReport | undefined,
  played: readonly StoryResult[],
  order: readonly string[],
  createdAt: string,
): LabReport {
  const byName = new Map([...(old?.stories ?? []), ...played].map((story) => [story.name, story]))
  return {
    version: LAB_VERSION,
    createdAt,
    stories: order.flatMap((name) => byName.get(name) ?? []),
  }
}
