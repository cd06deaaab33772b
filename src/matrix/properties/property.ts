/** A row of the matrix: one question, put to every subject by experiment. */
import type { Stage } from '../../stage/stage.js'
import type { Subject } from '../subjects/subject.js'
import type { Observation, SubjectKey } from '../vocabulary.js'

/** Answers what it saw, in the oracle's words. It knows nothing of what is expected. */
export type Experiment = (stage: Stage, subject: Subject) => Promise<Observation | string>

/** Why the question has no meaning for a subject. */
export interface NotApplicable {
  readonly notApplicable: string
}

export interface Property {
  readonly id: `P${number}`
  /** In words, as users write it. */
  readonly name: string
  readonly experiments: Readonly<Record<SubjectKey, Experiment | NotApplicable>>
  /** Subjects whose experiment uses up a limit of the user: no other cell runs meanwhile. */
  readonly alone?: readonly SubjectKey[]
}

/** A property's file exports one by default; the file's place in the folder is all that adds it. */
export const defineProperty = (property: Property): Property => property

/** The same experiment for several subjects. */
export function each<K extends SubjectKey>(keys: readonly K[], experiment: Experiment): Record<K, Experiment> {
  return Object.fromEntries(keys.map((key) => [key, experiment])) as Record<K, Experiment>
}

/** Subjects for which the question has no meaning, and why. */
export function notApplicable<K extends SubjectKey>(keys: readonly K[], reason: string): Record<K, NotApplicable> {
  return Object.fromEntries(keys.map((key) => [key, { notApplicable: reason }])) as Record<K, NotApplicable>
}

/** Subjects of a kind, to put the same question to. */
export const STREAMS = ['pipe', 'fifo', 'ustream', 'tcp'] as const
export const QUEUES = ['pmq', 'svmq'] as const
export const DATAGRAMS = ['udgram', 'udp', 'mcast'] as const
export const SEMAPHORES = ['psem', 'svsem'] as const
export const SIGNALS = ['sig', 'rtsig'] as const
export const MEMORY = ['pshm', 'svshm', 'memfd'] as const
/** Whose objects stand by themselves under a name: `named` of these subjects. */
export const NAMED = ['fifo', 'psem', 'svsem', 'pmq', 'svmq', 'pshm', 'svshm'] as const
/** Whose descriptors have no name. */
export const NAMELESS = ['pipe', 'memfd'] as const
export const CONNECTED = ['ustream', 'useq', 'tcp'] as const
export const UNIX = ['ustream', 'udgram', 'useq'] as const
