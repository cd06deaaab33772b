/** Oracle, experiments and comparison know nothing of each other: no cell can pass by reading the oracle. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { properties, subjectKeys, subjects } from 'ipc-playground/matrix'
import { expect, test } from 'vitest'
import { packageFolder } from '../../src/commands/package-folder.js'
import { adapterIds } from '../../src/core/registry.js'
import { groupOf, propertyIds } from '../../src/matrix/oracle/oracle.js'

const matrix = join(packageFolder, 'src/matrix')

/** The parts that the files of a folder import, below src/matrix; of what lies outside the files. */
function importsOf(folder: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const file of readdirSync(join(matrix, folder), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const path = join(matrix, folder, file)
    for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']*)'/g))
      found.add(partOf(relative(matrix, normalize(join(dirname(path), target)))))
  }
  return found
}

/** A folder of the matrix, the stage that it plays on, or a file outside of both. */
const partOf = (path: string): string =>
  path.startsWith('../stage/') ? '../stage' : path.startsWith('..') ? path : (path.split('/')[0] ?? '')

/** Processes that do what they are told: of the matrix and of the lab. */
const STAGE = '../stage'

/** What the kernel allows a process is asked in one way. */
const LIMITS = '../core/limits.js'

const allowed: Readonly<Record<string, readonly string[]>> = {
  oracle: ['oracle', 'vocabulary.js', LIMITS],
  comparison: ['comparison', 'vocabulary.js'],
  properties: ['properties', 'subjects', STAGE, 'vocabulary.js'],
  subjects: ['subjects', STAGE, 'vocabulary.js', LIMITS],
  [STAGE]: [STAGE, '../core/janitor.js'],
}

for (const [part, parts] of Object.entries(allowed))
  test(`${part} imports nothing of the matrix but ${parts.join(', ')}`, () => {
    for (const target of importsOf(part)) expect(parts).toContain(target)
  })

test('no property imports another: what several use is in a file of its own', () => {
  for (const file of readdirSync(join(matrix, 'properties')))
    assert.doesNotMatch(readFileSync(join(matrix, 'properties', file), 'utf8'), /from '\.\/p\d\d/, file)
})

test('no experiment reads the file of the oracle', () => {
  for (const part of ['properties', 'subjects', STAGE])
    for (const file of readdirSync(join(matrix, part), { recursive: true, encoding: 'utf8' }).filter((name) => /\.[tch]s?$/.test(name)))
      assert.doesNotMatch(readFileSync(join(matrix, part, file), 'utf8'), /oracle\.json/, file)
})

test('every subject is an adapter of this package', async () => {
  const ids = await adapterIds()
  assert.deepEqual(
    subjects.map(({ key }) => key),
    [...subjectKeys],
  )
  for (const { adapter } of subjects) assert.ok(ids.includes(adapter as never), adapter)
})

test('every property is one of the oracle, once, and is named by words of its own', () => {
  for (const { id } of properties) assert.ok(propertyIds.includes(id) && groupOf(id) !== '', id)
  assert.equal(new Set(properties.map(({ id }) => id)).size, properties.length)
  assert.equal(new Set(properties.map(({ name }) => name)).size, properties.length)
  for (const { name } of properties) assert.match(name, /^[a-z]+(-[a-z0-9]+)*$/)
})
