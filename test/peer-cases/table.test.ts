import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findProperty, findSubject } from 'ipc-playground/matrix'
import { test } from 'vitest'
import { covered } from './covered.js'
import { table } from './table.js'

/** `LTP sem_wait/7-1, 13-1` names two files of one folder. */
function filesOf(source: string): readonly string[] {
  const [first = '', ...others] = source.split(', ')
  const folder = first.slice(0, first.lastIndexOf('/') + 1)
  return [first, ...others.map((other) => folder + other)]
}

const here = fileURLToPath(new URL('.', import.meta.url))
const cases = readdirSync(here)
  .filter((name) => name.endsWith('.test.js'))
  .flatMap((name) => [...readFileSync(`${here}/${name}`, 'utf8').matchAll(/peerCase\(\s*['"`](.*?): /g)])
  .flatMap(([, source = '']) => filesOf(source))

test.each(Object.entries(table))('row %s of the peer cases has a case or a cell for each of its assertions', (_row, assertions) => {
  for (const assertion of assertions) assert.ok(cases.includes(assertion) || assertion in covered, assertion)
})

test('what is said to be covered is so by cells that there are', () => {
  for (const [assertion, cells] of Object.entries(covered))
    for (const [property, subject] of cells)
      assert.equal(
        typeof findProperty(property).experiments[findSubject(subject).key],
        'function',
        `${assertion} by ${property} ${subject}`,
      )
})
