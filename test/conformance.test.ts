/** Every adapter against every case of the suite, a test each. */
import assert from 'node:assert/strict'
import { type CaseResult, conformanceCases, conformanceTests, countByStatus } from 'ipc-playground/testing'
import { afterAll, test } from 'vitest'
import { adapterById, adapterIds } from '../src/core/registry.js'

const seen: CaseResult[] = []
const adapters = await Promise.all((await adapterIds()).map(adapterById))
const runs = adapters.map((adapter) => conformanceTests(adapter, test, { onResult: (result) => seen.push(result) }))

test('titles name their cases one by one', () => {
  assert.equal(new Set(conformanceCases.map(({ promise, title }) => `${promise}: ${title}`)).size, conformanceCases.length)
  const promises = new Set(conformanceCases.map(({ promise }) => promise))
  for (let promise = 1; promise <= 12; promise++) assert(promises.has(promise), `no case for promise ${promise}`)
})

afterAll(async () => {
  for (const run of runs) await run.over()
  const summary = Object.entries(countByStatus(seen)).map(([status, count]) => `${count} ${status}`)
  const unavailable = adapters.filter((adapter) => adapter.unavailable() !== undefined).map(({ id }) => id)
  process.stdout.write(`conformance: ${summary.join(', ')}; unavailable adapters: ${unavailable.join(', ') || 'none'}\n`)
})
