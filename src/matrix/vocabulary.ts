/** The words that oracle, experiments and comparison have in common. They share nothing else. */

/** The oracle's keys of the 17 subjects. */
export const subjectKeys = [
  'pipe',
  'fifo',
  'psem',
  'svsem',
  'pmq',
  'svmq',
  'sig',
  'rtsig',
  'pshm',
  'svshm',
  'memfd',
  'ustream',
  'udgram',
  'useq',
  'tcp',
  'udp',
  'mcast',
] as const

export type SubjectKey = (typeof subjectKeys)[number]

/** What an experiment saw. */
export interface Observation {
  /** In the oracle's words. */
  readonly value: string
  /** Counts and sizes that an expectation may bound, by name. */
  readonly figures?: Readonly<Record<string, number>>
}

/** What the oracle expects. */
export type Expectation =
  | { readonly kind: 'exact'; readonly value: string }
  /** Any of these is right. */
  | { readonly kind: 'may'; readonly values: readonly string[] }
  /** The value, and each figure between its bounds, which were computed from this machine's limits. */
  | { readonly kind: 'bound'; readonly value: string; readonly figures: Readonly<Record<string, Range>> }

export interface Range {
  readonly least: number
  readonly most: number
  /** Where the bounds come from. */
  readonly from: string
}

/** The question has no meaning for the subject. */
export const NOT_APPLICABLE = 'n/a'
