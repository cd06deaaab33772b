/** What the documents say of each cell: a prediction, its source, and an expectation to hold an observation against. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Expectation, SubjectKey } from '../vocabulary.js'
import type { Rule } from './rule.js'

export interface Prediction {
  readonly value: string
  readonly detail: string
  /** Manual pages, RFCs and standards; empty where there is nothing to cite. */
  readonly cite: string
}

/** As the table has it where there is nothing to cite. */
const NO_SOURCE = '-'

interface Row {
  readonly group: string
  readonly title: string
  readonly recipe: string
  readonly cells: Readonly<Record<SubjectKey, Prediction>>
}

const { properties: rows } = JSON.parse(readFileSync(new URL('../assets/oracle.json', import.meta.url), 'utf8')) as {
  properties: Readonly<Record<string, Row>>
}

const rules = new URL('./rules/', import.meta.url)
const ruleOf = new Map<string, Rule>()
for (const file of readdirSync(rules).filter((name) => name.endsWith('.js'))) {
  const { default: rule } = (await import(new URL(file, rules).href)) as { default: Rule }
  ruleOf.set(rule.property, rule)
}

/** The ids of all properties that the oracle knows. */
export const propertyIds: readonly string[] = Object.keys(rows)

function rowOf(property: string): Row {
  const row = rows[property]
  if (row === undefined) throw new TypeError(`the oracle knows no property ${property}`)
  return row
}

export const titleOf = (property: string): string => rowOf(property).title
export const recipeOf = (property: string): string => rowOf(property).recipe
export const groupOf = (property: string): string => rowOf(property).group
export function predictionOf(property: string, subject: SubjectKey): Prediction {
  const { value, detail, cite } = rowOf(property).cells[subject]
  return { value, detail, cite: cite === NO_SOURCE ? '' : cite }
}

/** Computes bounds from the machine's limits as they are now. */
export function expectationOf(property: string, subject: SubjectKey): Expectation {
  const ruled = ruleOf.get(property)?.expectations[subject]
  return ruled === undefined ? { kind: 'exact', value: predictionOf(property, subject).value } : ruled()
}
