/** Holds an observation against an expectation; knows neither whence they come. */
import { type Expectation, NOT_APPLICABLE, type Observation } from '../vocabulary.js'

export type Judgement =
  | { readonly verdict: 'pass' }
  | { readonly verdict: 'not-applicable' }
  | { readonly verdict: 'differs'; readonly reason: string }

export function compare(observation: Observation, expectation: Expectation): Judgement {
  const expected = expectation.kind === 'may' ? expectation.values : [expectation.value]
  if (!expected.includes(observation.value)) return differs(`expected ${expected.join(' or ')}, observed ${observation.value}`)
  if (observation.value === NOT_APPLICABLE) return { verdict: 'not-applicable' }
  return expectation.kind === 'bound' ? withinBounds(observation, expectation) : { verdict: 'pass' }
}

function withinBounds({ figures = {} }: Observation, expectation: Extract<Expectation, { kind: 'bound' }>): Judgement {
  for (const [name, { least, most, from }] of Object.entries(expectation.figures)) {
    const seen = figures[name]
    if (seen === undefined) return differs(`${name} was not observed`)
    if (seen < least || seen > most)
      return differs(`expected ${name} ${least === most ? least : `from ${least} to ${most}`} (${from}), observed ${seen}`)
  }
  return { verdict: 'pass' }
}

const differs = (reason: string): Judgement => ({ verdict: 'differs', reason })
