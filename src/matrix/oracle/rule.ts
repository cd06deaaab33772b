/** Where the oracle's word is not to be matched letter by letter: what may happen, and bounds that depend on the machine. */
import type { Expectation, SubjectKey } from '../vocabulary.js'

export interface Rule {
  readonly property: string
  readonly expectations: Partial<Readonly<Record<SubjectKey, () => Expectation>>>
}

/** A property's file of the folder `rules/` exports one by default. */
export const defineRule = (rule: Rule): Rule => rule
