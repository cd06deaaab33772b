/** The comparison: the three kinds of expectation, and what does not apply. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { compare } from '../../src/matrix/comparison/compare.js'
import type { Expectation } from '../../src/matrix/vocabulary.js'

const bytes: Expectation = { kind: 'bound', value: 'SO_SNDBUF', figures: { bytes: { least: 100, most: 200, from: 'SO_SNDBUF' } } }

test('exact: the same words', () => {
  assert.equal(compare({ value: 'EAGAIN' }, { kind: 'exact', value: 'EAGAIN' }).verdict, 'pass')
  assert.deepEqual(compare({ value: 'EPIPE' }, { kind: 'exact', value: 'EAGAIN' }), {
    verdict: 'differs',
    reason: 'expected EAGAIN, observed EPIPE',
  })
})

test('may: any of a set, and nothing else', () => {
  const expectation: Expectation = { kind: 'may', values: ['FIFO', 'reordered'] }
  for (const value of expectation.values) assert.equal(compare({ value }, expectation).verdict, 'pass')
  assert.equal(compare({ value: 'torn' }, expectation).verdict, 'differs')
})

test('bound: the words, and every figure within its bounds', () => {
  for (const seen of [100, 200]) assert.equal(compare({ value: 'SO_SNDBUF', figures: { bytes: seen } }, bytes).verdict, 'pass')
  for (const seen of [99, 201]) assert.equal(compare({ value: 'SO_SNDBUF', figures: { bytes: seen } }, bytes).verdict, 'differs')
  assert.equal(compare({ value: 'SO_SNDBUF' }, bytes).verdict, 'differs')
  assert.equal(compare({ value: 'none', figures: { bytes: 150 } }, bytes).verdict, 'differs')
})

test('not applicable is no pass, and differs where the oracle has a word', () => {
  assert.equal(compare({ value: 'n/a' }, { kind: 'exact', value: 'n/a' }).verdict, 'not-applicable')
  assert.equal(compare({ value: 'n/a' }, { kind: 'exact', value: 'EAGAIN' }).verdict, 'differs')
  assert.equal(compare({ value: 'EAGAIN' }, { kind: 'exact', value: 'n/a' }).verdict, 'differs')
})
