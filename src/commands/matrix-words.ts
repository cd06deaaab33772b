/** How the matrix's results read in a terminal. */
import type { Expectation, Verdict } from '../matrix/index.js'
import { SYMBOLS, VERDICTS } from '../report/matrix-words.js'
import type { Colours } from './colours.js'

export const painted = (verdict: Verdict, text: string, paint: Colours): string =>
  ({ pass: paint.green, differs: paint.red, failed: paint.red, skipped: paint.yellow, 'not-applicable': paint.dim })[verdict](text)

export const verdictWords = (verdict: Verdict, paint: Colours): string =>
  painted(verdict, `${SYMBOLS[verdict]} ${VERDICTS[verdict]}`, paint)

export function describeExpectation(expectation: Expectation): string {
  if (expectation.kind === 'may') return `any of: ${expectation.values.join(', ')}`
  if (expectation.kind === 'exact') return expectation.value
  const bounds = Object.entries(expectation.figures).map(
    ([name, { least, most, from }]) => `${name} ${least === most ? least : `from ${least} to ${most}`} (${from})`,
  )
  return `${expectation.value}; ${bounds.join(', ')}`
}
