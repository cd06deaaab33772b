/** The suite as tests of a runner. */
import assert from 'node:assert/strict'
import type { Adapter } from '../../core/adapter.js'
import type { AdapterId } from '../../core/channel.js'
import type { CaseResult, ConformanceReport } from '../results.js'
import { conformanceCases } from './cases.js'
import { type ConformanceOptions, runConformance } from './run.js'

/** `test` of node:test, Vitest, Jest, Mocha and the like. What the first two pass has a `skip`; elsewhere a case that is skipped passes. */
export type RegisterTest = (title: string, body: (...context: unknown[]) => Promise<void>) => unknown

/** Vitest's throws. */
function skip(context: unknown, reason: string): void {
  if (typeof context === 'object' && context !== null && 'skip' in context && typeof context.skip === 'function') context.skip(reason)
}

interface Deferred {
  readonly promise: Promise<CaseResult>
  readonly resolve: (result: CaseResult) => void
  readonly reject: (error: unknown) => void
}

function deferred(): Deferred {
  let settle: Pick<Deferred, 'resolve' | 'reject'> | undefined
  const promise = new Promise<CaseResult>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => {}) // a filter may leave out the test that waits for it
  assert(settle !== undefined)
  return { promise, ...settle }
}

export const titleOf = ({ promise, title }: Pick<CaseResult, 'promise' | 'title'>): string => `${promise}: ${title}`

/**
 * Registers the suite with a test runner, a test a case: `conformanceTests(adapter, test)`. All of them belong to
 * one `runConformance`, which the first that runs begins; each waits for its own result. A promise that is not
 * kept fails its test; one of `capabilities.exempt` skips it.
 *
 * @returns the run: `over()` settles when it, if it was begun, has ended and released everything
 */
export function conformanceTests<Id extends AdapterId>(
  adapter: Adapter<Id>,
  test: RegisterTest,
  { only = () => true, onResult, ...options }: ConformanceOptions = {},
): { over(): Promise<ConformanceReport | undefined> } {
  const reason = adapter.unavailable()
  if (reason !== undefined) {
    test(`${adapter.id} › unavailable: ${reason}`, async (context) => skip(context, reason))
    return { over: async () => undefined }
  }
  const cases = conformanceCases.filter(only)
  const results = new Map(cases.map((testCase) => [titleOf(testCase), deferred()]))
  let run: Promise<ConformanceReport | undefined> | undefined
  const begin = () => {
    run ??= runConformance(adapter, {
      ...options,
      only,
      onResult: (result) => {
        results.get(titleOf(result))?.resolve(result)
        onResult?.(result)
      },
    }).catch((error: unknown) => {
      for (const { reject } of results.values()) reject(error)
      return undefined
    })
  }
  for (const [title, { promise }] of results)
    test(`${adapter.id} › ${title}`, async (context) => {
      begin()
      const { status, reason } = await promise
      if (status === 'skipped' || status === 'not-kept') skip(context, `${status}: ${reason}`)
      assert.notEqual(status, 'failed', reason)
    })
  return { over: async () => run }
}
