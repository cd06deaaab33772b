/** The samples of a trace, each with what it is and whose, as its name says: see `Sample`. Pure. */
import type { Sample, Trace } from '../lab/trace.js'
import { groupBy } from './model.js'

export interface Taken extends Pick<Sample, 'value' | 'over' | 'end'> {
  readonly t: number
  readonly what: string
  /** Empty where there is but one. */
  readonly whose: string
}

/** What is the bound of something else. */
export const BOUNDS: Readonly<Record<string, string>> = { ssthresh: 'cwnd' }
const WORDS = new Set(Object.entries(BOUNDS).flat())

/** In time. */
export function samplesOf({ events }: Trace): readonly Taken[] {
  const samples = events.flatMap(({ t, side, sample }) => (sample === undefined ? [] : { ...sample, t, side }))
  const names = [...new Set(samples.map(({ name }) => name))]
  const meant = new Map(names.map((name) => [name, meaningOf(name, names)]))
  const sides = new Map([...groupBy(samples, ({ name }) => name)].map(([name, own]) => [name, new Set(own.map(({ side }) => side)).size]))
  return samples.map(({ name, side, ...sample }) => {
    const { what, whose } = meant.get(name) ?? { what: name, whose: '' }
    return { ...sample, what, whose: (sides.get(name) ?? 0) > 1 ? `${whose} ${side}`.trim() : whose }
  })
}

interface Meaning {
  readonly what: string
  readonly whose: string
}

/** `blocking: calls`, `latency (ms) reactor`, `cwnd reno`, and else what a name has in common with those that begin alike. */
function meaningOf(name: string, names: readonly string[]): Meaning {
  const [, owner, owned] = /^(.*): (.+)$/.exec(name) ?? []
  if (owner !== undefined && owned !== undefined) return { what: owned, whose: owner }
  const [, unit, rest = ''] = /^(.*?\))(?: (.*))?$/.exec(name) ?? []
  if (unit !== undefined) return { what: unit, whose: rest }
  const words = name.split(' ')
  const common = WORDS.has(words[0] ?? '') ? 1 : commonWords(words, names)
  return { what: words.slice(0, common).join(' '), whose: words.slice(common).join(' ') }
}

/** One alone is all that it says. */
function commonWords(words: readonly string[], names: readonly string[]): number {
  const others = names.map((name) => name.split(' ')).filter(([first]) => first === words[0])
  const differs = words.findIndex((word, at) => others.some((other) => other[at] !== word))
  return differs < 0 ? words.length : differs
}
