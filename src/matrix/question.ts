/** A cell as a question: what will the kernel do? Right is what it does then. */
import { predictionOf, recipeOf, titleOf } from './oracle/oracle.js'
import type { Cell } from './run-matrix.js'
import { NOT_APPLICABLE, subjectKeys } from './vocabulary.js'

export interface Question {
  readonly cell: Cell
  readonly title: string
  /** How it is tried. */
  readonly recipe: string
  /** What mechanisms do, of which the one asked for does one. In no telling order. */
  readonly options: readonly string[]
}

const MOST_OPTIONS = 5

/** undefined where there is nothing to choose: no experiment, or every mechanism does the same. `random` answers 0 to below 1. */
export function questionOf(cell: Cell, random: () => number = Math.random): Question | undefined {
  const { property, subject } = cell
  const right = predictionOf(property.id, subject.key).value
  if (typeof property.experiments[subject.key] !== 'function') return undefined
  const others = new Set(subjectKeys.map((key) => predictionOf(property.id, key).value))
  others.delete(right)
  others.delete(NOT_APPLICABLE)
  if (others.size === 0) return undefined
  const wrong = shuffled([...others], random).slice(0, MOST_OPTIONS - 1)
  return { cell, title: titleOf(property.id), recipe: recipeOf(property.id), options: shuffled([right, ...wrong], random) }
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = all[i] as T
    all[i] = all[j] as T
    all[j] = moved
  }
  return all
}
