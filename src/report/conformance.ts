/** What a report tells of a conformance run. */
import type { CaseStatus, ConformanceReport } from '../testing/results.js'

/** A case that did not simply pass, and why. */
export interface Remark {
  readonly promise: number
  readonly title: string
  readonly status: CaseStatus
  readonly reason: string
}

export interface ConformanceSummary {
  readonly counts: Readonly<Record<CaseStatus, number>>
  readonly unavailable?: string
  /** What did not pass, apart from what is absent as declared. */
  readonly remarks: readonly Remark[]
  readonly absent: readonly Remark[]
}

const NO_RESULTS: Record<CaseStatus, number> = { passed: 0, absent: 0, failed: 0, 'not-kept': 0, skipped: 0 }

export function summarize({ results, unavailable }: ConformanceReport): ConformanceSummary {
  const counts = { ...NO_RESULTS }
  for (const { status } of results) counts[status]++
  const remarks = results
    .filter(({ status }) => status !== 'passed')
    .map(({ promise, title, status, reason = 'no reason given' }) => ({ promise, title, status, reason }))
  return {
    counts,
    ...(unavailable === undefined ? {} : { unavailable }),
    remarks: remarks.filter(({ status }) => status !== 'absent'),
    absent: remarks.filter(({ status }) => status === 'absent'),
  }
}
