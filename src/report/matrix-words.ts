/** The matrix's verdicts as signs and words. The page has this file, too. */
import type { Verdict } from '../matrix/run-cell.js'

export const SYMBOLS: Readonly<Record<Verdict, string>> = {
  pass: '✓',
  differs: '✗',
  failed: '!',
  skipped: '○',
  'not-applicable': '–',
}

export const VERDICTS: Readonly<Record<Verdict, string>> = {
  pass: 'as the documents say',
  differs: 'differs from the documents',
  failed: 'the experiment failed',
  skipped: 'skipped',
  'not-applicable': 'not applicable',
}
