/** The names that users write of properties and subjects. */
import { suggestion } from '../core/registry.js'
import { properties } from './properties/index.js'
import type { Property } from './properties/property.js'
import { subjects } from './subjects/index.js'
import type { Subject } from './subjects/subject.js'

/** By id or by name: `P30`, `lock-holder-killed`. Throws a TypeError that suggests the nearest. */
export function findProperty(word: string): Property {
  const found = properties.find(({ id, name }) => id === word.toUpperCase() || name === word)
  if (found !== undefined) return found
  const known = properties.flatMap(({ id, name }) => (/^p\d/i.test(word) ? id : name))
  throw new TypeError(`there is no property '${word}'${suggestion(word, known)}`)
}

/** By the oracle's key or the adapter's id: `svsem`, `semaphore/sysv`. Throws a TypeError that suggests the nearest. */
export function findSubject(word: string): Subject {
  const found = subjects.find(({ key, adapter }) => key === word || adapter === word)
  if (found !== undefined) return found
  const known = subjects.map(({ key, adapter }) => (word.includes('/') ? adapter : key))
  throw new TypeError(`there is no mechanism '${word}'${suggestion(word, known)}`)
}
