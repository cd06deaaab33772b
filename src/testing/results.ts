/** What a conformance run yields: plain data, which the report reads. */

/**
 * `passed`: the promise is kept. `absent`: the adapter has no such ability, as it declares or as its kind
 * implies, and where that can be seen it was seen. `failed`: it is not kept. `not-kept`: it is not kept,
 * as `capabilities.exempt` says with its reason. `skipped`: it was not tried, for the reason given.
 */
export type CaseStatus = 'passed' | 'absent' | 'failed' | 'not-kept' | 'skipped'

export interface CaseResult {
  /** The number of the promise at the head of `core/channel.ts`. */
  readonly promise: number
  readonly title: string
  readonly status: CaseStatus
  /** Why, for everything but `passed`. */
  readonly reason?: string
  readonly ms: number
}

export interface ConformanceReport {
  readonly adapter: string
  /** In the order of the suite. */
  readonly results: readonly CaseResult[]
  /** Why nothing was run: the adapter cannot run on this host. */
  readonly unavailable?: string
}

/** How many results have each status. */
export function countByStatus(results: readonly CaseResult[]): Record<CaseStatus, number> {
  const counts: Record<CaseStatus, number> = { passed: 0, absent: 0, failed: 0, 'not-kept': 0, skipped: 0 }
  for (const { status } of results) counts[status]++
  return counts
}
